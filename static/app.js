/* What plain links and forms cannot do: keys, suggestions, focus, dialogs. Every page works without this file. */
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  /* Times are shown in the reader's zone: the server learns it from this cookie. */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;

  /* Search: suggestions under the box, the first one chosen; Enter opens it. */
  const box = one("#q");
  const list = one("#suggestions");
  const options = () => (list ? all("a[role=option]", list) : []);
  const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");
  const showList = (open) => {
    box.setAttribute("aria-expanded", open && options().length > 0);
    list.classList.toggle("open", open && list.childElementCount > 0);
    const option = open && chosen();
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };
  const choose = (step) => {
    const found = options();
    if (!found.length) return;
    const next = found[(found.indexOf(chosen()) + step + found.length) % found.length];
    found.forEach((option) => option.setAttribute("aria-selected", option === next));
    next.scrollIntoView({ block: "nearest" });
    showList(true);
  };
  if (box) {
    box.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        choose(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter") {
        const option = chosen();
        /* Suggestions for what was typed before are stale: then the server searches. */
        if (list.classList.contains("open") && option && option.dataset.q === box.value) {
          event.preventDefault();
          location.assign(option.href);
        }
      } else if (event.key === "Escape" && list.classList.contains("open")) {
        event.preventDefault(); /* the first one closes the list, the next one empties the box */
        showList(false);
      }
    });
    box.addEventListener("focus", () => { box.select(); showList(true); });
    box.addEventListener("blur", () => setTimeout(() => showList(false), 150));
    list.addEventListener("mousedown", (event) => event.preventDefault());
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, serverResponse } = event.detail;
    if (target !== list) return;
    const asked = new URL(xhr.responseURL).searchParams.get("q");
    if (xhr.status >= 400 || asked !== box.value || !serverResponse) event.detail.shouldSwap = false;
  });

  /* Keys. They can be switched off, for people who dictate. */
  const shortcuts = () => localStorage.getItem("shortcuts") !== "off";
  const links = () => all(".mails .mail > a");
  const current = () => document.activeElement.closest?.(".mail") || one(".mails a[aria-current]")?.closest(".mail");
  const move = (step) => {
    const found = links();
    const at = found.indexOf(one("a", current() || document.createElement("i")));
    found[Math.max(0, Math.min(found.length - 1, at < 0 ? 0 : at + step))]?.focus();
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && box) {
      event.preventDefault();
      return box.focus();
    }
    if (event.key === "Escape" && one("details.menu[open]")) {
      one("details.menu").open = false;
      one("details.menu > summary").focus();
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || one("dialog[open]") || !shortcuts()) return;
    if (event.key === "/" && box) { event.preventDefault(); box.focus(); }
    else if (event.key === "?") one("#help")?.showModal();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x") current()?.querySelector("input")?.click();
    else if ("raAb".includes(event.key)) act(event.key);
  });
  /* An action is for the mail that is open. Where another row is focused, that one is opened first, and nothing is done. */
  const act = (key) => {
    const open = one("#reading .opened");
    const row = document.activeElement.closest?.(".mail");
    if (row && (!open || open.dataset.row !== row.id)) return one("a", row).click();
    one(`#reading [data-key="${key}"]`)?.click();
  };

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest(".toast .close")) target.closest(".toast").remove();
    if (target.closest("[data-help]")) one("#help").showModal();
    if (target.closest("[data-sign-in]")) askToSignIn(document.activeElement);
    const copy = target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(one(`#${copy.dataset.copy}`).textContent).then(() => {
      const words = one("span", copy);
      const before = words.textContent;
      words.textContent = "✓";
      setTimeout(() => { words.textContent = before; }, 1500);
    });
    const menu = one("details.menu[open]");
    if (menu && !menu.contains(target)) menu.open = false;
    const dialog = target.closest("dialog");
    if (dialog && target.closest("[data-close]")) { event.preventDefault(); dialog.close(); }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.submit();
    if (event.target.matches("[data-shortcuts]")) localStorage.setItem("shortcuts", event.target.checked ? "on" : "off");
  });
  const toggle = one("[data-shortcuts]");
  if (toggle) toggle.checked = shortcuts();

  /* No answer came, or one of somebody on the way (a proxy's own page): say so, and leave all else as it is. */
  const lost = ({ detail }) => {
    if (detail.target === list) return;
    if (!session.open) one("#dialog").close();
    inFront().append(one("#no-answer").content.cloneNode(true));
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status < 400 || !/^\s*<(!doctype|html)/i.test(event.detail.serverResponse)) return;
    event.detail.shouldSwap = false;
    lost(event);
  });

  /* The session is over: the page stays as it is, and a dialog in front of it asks for sign-in. Nothing is sent again by itself.
     What asks by itself opens it once; who has closed it gets it back by the next thing they do. */
  const session = one("#session");
  const out = one("#signed-out")?.content.firstElementChild;
  const inFront = () => all("dialog[open]").at(-1) || one("#toasts");
  let from; /* where the focus goes back to */
  const askToSignIn = (element) => {
    if (!session.open) from = element;
    setTimeout(() => htmx.ajax("GET", session.dataset.url, { source: session, target: session })); /* once its last request has ended */
  };
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.xhr.getResponseHeader("Session") !== "over") return;
    const { elt, triggeringEvent: event } = detail.requestConfig;
    if (session.open ? session.contains(elt) : !out.isConnected || ["click", "submit", "change"].includes(event?.type)) {
      askToSignIn(event?.submitter || document.activeElement);
    }
  });
  /* The answer to a form that leaves its page where it is cannot be seen, but for the cookie that comes with it. */
  const forget = () => { document.cookie = "session-over=; path=/; max-age=0"; };
  let watch;
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (!session || event.defaultPrevented || form.getAttribute("method") !== "post") return;
    form.addEventListener("formdata", ({ formData }) => formData.set("in_place", "1"), { once: true });
    forget();
    clearInterval(watch);
    watch = setInterval(() => {
      if (!document.cookie.includes("session-over=1")) return;
      clearInterval(watch);
      forget();
      askToSignIn(submitter);
    }, 100);
  });
  const signedInAgain = (told) => {
    const fresh = one("[name=csrfmiddlewaretoken]", told).value;
    all("[name=csrfmiddlewaretoken]").forEach((field) => { field.value = fresh; });
    out.remove();
    session.close();
    inFront().append(told);
  };
  document.addEventListener("close", ({ target }) => {
    const signedOut = out.isConnected || (target === session && one("form", session));
    if (target === session) {
      session.replaceChildren();
      from?.focus();
    }
    if (signedOut) inFront().append(out); /* nobody sees it behind another dialog */
  }, true);

  /* What asks by itself does so only while somebody looks; coming back to the tab asks at once. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.matches("[data-watched]")) event.preventDefault();
  });

  /* After something new came in. */
  const settle = () => {
    const newest = one("#held [data-newest]");
    if (newest) {
      const peek = newest.dataset.newest === "open";
      newest.removeAttribute("data-newest");
      if (document.activeElement === document.body) newest.focus();
      /* Beside the list there is room: show the newest at once. It is the same view, so the address stays. */
      if (peek && matchMedia("(min-width: 70rem)").matches && !one("#reading .opened")) {
        newest.setAttribute("aria-current", "true");
        return htmx.ajax("GET", newest.getAttribute("hx-get"), { source: "#reading", target: "#reading" });
      }
    }
    /* The folders come last: nobody waits for them. */
    if (one("#held .panel-head, #held .failed")) document.body.dispatchEvent(new Event("settled"));
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target;
    if (target === list) showList(document.activeElement === box);
    if (["toasts", "job"].includes(target.id)) one("#dialog")?.close(); /* nobody sees them behind it */
    if (target.id === "dialog" && !target.open) target.showModal();
    if (target === session) {
      const told = one(".toast", session);
      if (told) signedInAgain(told);
      else if (!session.open) session.showModal();
    }
    if (target.id === "reading") {
      const open = one(".opened", target);
      links().forEach((link) => link.removeAttribute("aria-current"));
      const link = open && one(`#${open.dataset.row} > a`);
      link?.setAttribute("aria-current", "true");
      one("#dialog")?.close();
      if (!matchMedia("(min-width: 70rem)").matches) { target.focus(); scrollTo(0, 0); }
      else if ([document.body, target].includes(document.activeElement)) (link || target).focus(); /* unless one has moved on */
    }
    all("#toasts .toast:not(.signed-out)").slice(0, -3).forEach((toast) => toast.remove());
    if (target.id === "held" || target.id === "reading") settle();
  });
  /* A slider and the number beside it say the same. */
  document.addEventListener("input", ({ target }) => {
    const number = document.getElementById(target.dataset.same);
    if (number) number.value = Number(target.value).toLocaleString(document.documentElement.lang);
    const slider = one(`[data-same="${target.id}"]`);
    if (slider) slider.value = parseFloat(target.value.replace(",", ".")) || 0;
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (one("#held .panel-head, #held .failed")) settle();
    const tab = one(".subnav [aria-current]"); /* where the tabs are wider than the page */
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 40;
    const first = one("[data-first], .narrow .results a, .wrong :is(input, select, textarea)");
    if (first && document.activeElement === document.body) first.focus();
  });
})();
