/* Forms of settings: what was changed is marked and counted, and leaving with it asks. Every form works without this file. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const controls = (row) => all("input[name]:not([type=hidden]), select[name], textarea[name]", row);
  const chosen = (control, before) => {
    if (control.matches("[type=checkbox], [type=radio]")) return (before ? control.defaultChecked : control.checked) ? [control.value] : [];
    if (!control.options) return [before ? control.defaultValue : control.value];
    const options = [...control.options].filter((option) => (before ? option.defaultSelected : option.selected));
    return (options.length || control.multiple ? options : [...control.options].slice(0, 1)).map((option) => option.value);
  };
  const values = (row, before) => controls(row).flatMap((control) => chosen(control, before)).filter(Boolean).join(", ");
  /* What the person saw: as the page came, or as the server says where it came back with what they typed. */
  const seen = (row) => row.dataset.seen ?? values(row, true);

  /* A value as the page has it in words; "" for what is a secret, or too long for a line. */
  const words = (row, value) => {
    const [control, more] = controls(row);
    const toggle = row.querySelector(".switch");
    if (more || control.type === "password") return "";
    if (toggle) return value ? toggle.dataset.on : toggle.dataset.off;
    if (control.options) return [...control.options].find((option) => option.value === value)?.text ?? value;
    if (control.matches("textarea, [type=checkbox]")) return "";
    return value.length > 40 ? `${value.slice(0, 40)}…` : value || "–";
  };

  const mark = (row, told) => {
    const before = seen(row);
    const changed = values(row) !== before;
    row.classList.toggle("changed", changed);
    row.querySelector(".was")?.remove();
    const [was, now] = changed && told ? [words(row, before), words(row, values(row))] : [];
    if (!was) return row.dataset.label;
    const place = document.createElement("span");
    place.className = "was muted";
    place.textContent = told.was.replace("%s", () => was);
    row.querySelector(".control").append(place);
    return `${row.dataset.label} ${was} → ${now}`;
  };

  const count = (form) => {
    const bar = form.querySelector(".savebar");
    const told = bar?.dataset.many && bar.dataset;
    const rows = all("[data-label]", form).filter((row) => controls(row).length);
    const lines = rows.map((row) => mark(row, told));
    const changed = lines.filter((_line, at) => rows[at].classList.contains("changed"));
    if (!told) return;
    const text = { 0: told.none, 1: told.single }[changed.length] ?? told.many.replace("%s", changed.length);
    const number = bar.querySelector("output");
    if (number.textContent !== text) number.textContent = text; /* which is read out */
    const rest = number.nextElementSibling ?? number.parentNode.appendChild(document.createElement("span"));
    rest.textContent = changed.length ? `: ${changed.join(", ")}` : "";
  };

  let sent = false;
  const ask = (event) => event.preventDefault();
  const guard = () => {
    const open = !sent && document.querySelector(".settings .changed, .settings [data-typed]");
    (open ? addEventListener : removeEventListener)("beforeunload", ask);
  };
  const look = (form) => { count(form); guard(); };
  for (const kind of ["input", "change"]) document.addEventListener(kind, ({ target }) => {
    sent = false;
    if (target.form?.matches(".settings")) look(target.form);
  });
  document.addEventListener("reset", ({ target }) => setTimeout(look, 0, target));
  const leave = () => { sent = true; guard(); };
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.matches(".settings")) leave();
  });
  /* The server leads away, since somebody else has signed in: what was typed here is not for them, so nobody is asked to stay. */
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => { if (detail.xhr.getResponseHeader("HX-Redirect")) leave(); });
  /* After a part of the page came anew; where it asks for sign-in, what was sent was not taken. */
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id === "session") sent = false;
    all(".settings").forEach(look);
  });
  addEventListener("pageshow", () => { sent = false; all(".settings").forEach(look); }); /* a browser fills in again what was typed before */
})();
