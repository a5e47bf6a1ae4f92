/* Rows that are selected in a list (templates/_selection.html): how many, from here to there, all or none; and what became of them. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const boxes = (form) => all(".pick > input", form);
  const every = (form) => form.querySelector("[name=all]");
  let last; /* the box that was ticked or unticked last: a range begins there */

  const count = (form) => {
    const ticked = boxes(form).filter((box) => box.checked).length;
    const number = every(form)?.checked ? +every(form).dataset.total : ticked;
    const told = form.querySelector("[data-count]");
    const words = number ? told.dataset.count.replace("{count}", number.toLocaleString(document.documentElement.lang)) : "";
    if (told.textContent !== words) told.textContent = form.querySelector("[data-counted]").textContent = words;
  };
  const countAll = () => all("form.selection").forEach(count);
  const tick = (form, some, on) => {
    some.forEach((box) => { box.checked = on; });
    if (!on && every(form)) every(form).checked = false;
    count(form);
  };

  /* With shift from the last one to this one. Browsers differ in what a label does then, so it is done here. */
  document.addEventListener("click", (event) => {
    const pick = event.target.closest(".selection .pick");
    const form = event.target.closest("form.selection");
    if (pick && event.shiftKey) {
      const box = pick.querySelector("input");
      const on = event.target === box ? box.checked : !box.checked;
      const found = boxes(form);
      const [from, to] = [found.indexOf(last), found.indexOf(box)].sort((a, b) => a - b);
      if (event.target !== box) event.preventDefault();
      tick(form, from < 0 ? [box] : found.slice(from, to + 1), on);
      last = box;
    }
    if (form && event.target.closest("[data-select-page]")) tick(form, boxes(form), true);
    if (event.target.closest("#job .close")) event.target.closest(".strip").remove();
    const opens = event.target.closest("#job [data-opens]");
    const row = opens && document.querySelector(`#${opens.dataset.opens} > a`);
    if (row && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      row.click(); /* beside the list, which stays as it is */
    }
  });
  document.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest(".selection .pick")) event.preventDefault(); /* it would mark text */
  });
  document.addEventListener("change", ({ target }) => {
    const form = target.closest("form.selection");
    if (!form) return;
    if (target === every(form)) return tick(form, boxes(form), target.checked);
    if (!target.checked && every(form)) every(form).checked = false;
    last = target;
    count(form);
  });
  document.addEventListener("reset", () => setTimeout(countAll));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    const form = document.querySelector("form.selection:has(:checked)");
    if (event.key !== "Escape" || typing || !form || event.defaultPrevented || document.querySelector("dialog[open], details.menu[open]")) return;
    const inside = document.activeElement.closest(".selection .bar");
    form.reset();
    if (inside) (last || form.querySelector(".pick > input"))?.focus(); /* the bar goes */
  });

  /* The rows of a job change as they are done. What it came to is told once, and the next job may begin. */
  const settle = () => {
    all("#job template[data-row]").forEach((mark) => {
      const row = document.getElementById(mark.dataset.row);
      mark.remove();
      if (!row) return;
      const [chip, done] = mark.content.children;
      row.classList.add(mark.dataset.state);
      row.querySelector(".about .chip")?.remove();
      row.querySelector(".about").append(chip);
      if (done) row.querySelector(".pick")?.replaceWith(done);
    });
    all("#job [data-ended]").forEach((strip) => {
      strip.removeAttribute("data-ended");
      all(".selection > output").forEach((told) => { told.textContent = strip.querySelector("p").textContent; });
    });
  };
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id === "job") {
      all("form.selection").forEach((form) => form.reset());
      detail.target.focus({ preventScroll: true });
    }
    settle();
    if (detail.target.id === "held") countAll();
  });
  document.addEventListener("DOMContentLoaded", countAll);
})();
