// Finds institutions while somebody types; without it, the form asks the hub in the same way.
"use strict";
for (const form of document.querySelectorAll(".fedhub-search")) {
  const section = form.closest(".fedhub-choice");
  const input = form.querySelector("input[type=search]");
  let latest = 0;
  let timer;
  async function find() {
    const mine = ++latest;
    const reply = await fetch(`${form.action}?${new URLSearchParams(new FormData(form))}`);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const found = page.querySelector(`[data-choice="${CSS.escape(section.dataset.choice)}"]`);
    if (!found || mine !== latest) {
      return;
    }
    for (const part of [".fedhub-count", ".fedhub-institutions"]) {
      section.querySelector(part).replaceChildren(...found.querySelector(part).childNodes);
    }
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => find().catch(() => {}), 150);
  });
}
