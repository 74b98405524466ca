// The team board: cards come, change and go by themselves; a sheet asks how it was settled.

import { nowMs, texts, toast, whenLifted } from "./frame.js";
import { goLive } from "./live.js";
import { callSound, soundSwitch } from "./sound.js";

const list = document.getElementById("cards");
const calm = document.getElementById("calm");
let t = (key) => key;
texts("board").then((found) => {
  t = found;
});

function cardOf(id) {
  return list.querySelector('[data-id="' + CSS.escape(id) + '"]');
}

function place(card) {
  const rank = card.dataset.rank;
  const after = Array.from(list.children).find((each) => each !== card && each.dataset.rank > rank);
  list.insertBefore(card, after || null);
}

function count() {
  const cards = Array.from(list.children);
  const todo = cards.filter((each) => each.dataset.todo === "1").length;
  put("todo", todo);
  put("taken", cards.length - todo);
  calm.hidden = cards.length > 0;
  document.title = (todo ? "(" + todo + ") " : "") + document.title.replace(/^\(\d+\) /, "");
}

function put(name, value) {
  const place = document.querySelector('[data-sum="' + name + '"]');
  if (!place) return;
  place.textContent = value;
  if (name === "todo") place.parentElement.classList.toggle("some", value > 0);
}

function draw(data) {
  const holder = document.createElement("template");
  holder.innerHTML = data.html;
  const fresh = holder.content.firstElementChild;
  const old = cardOf(data.id);
  const focused = old && old.contains(document.activeElement) ? document.activeElement : null;
  if (old) old.replaceWith(fresh);
  else list.appendChild(fresh);
  place(fresh);
  if (focused) {
    const same = fresh.querySelector(focused.tagName.toLowerCase() + (focused.dataset.sheet ? '[data-sheet="' + focused.dataset.sheet + '"]' : ""));
    if (same) same.focus();
  }
  if (data.calls) {
    fresh.classList.add("news");
    callSound();
    toast(t("new_page", { what: data.said }));
  }
  count();
}

// --- the sheets
const veil = document.getElementById("veil");
let opened = null;
let from = null;

function openSheet(link) {
  const sheet = document.getElementById("sheet-" + link.dataset.sheet);
  const card = link.closest("article");
  const form = sheet.querySelector("form");
  form.action = "/g/" + encodeURIComponent(link.dataset.grid) + "/" + form.dataset.path;
  form.elements.incident.value = link.dataset.incident;
  form.elements.basis.value = link.dataset.basis;
  if (form.elements.note) form.elements.note.value = "";
  const groups = sheet.querySelectorAll("[data-group]");
  for (let i = 0; i < groups.length; i += 1) groups[i].hidden = groups[i].dataset.group !== card.dataset.group;
  sheet.querySelector(".sheet-about").textContent =
    card.querySelector("h2 a").textContent + " · " + card.querySelector(".where").textContent.trim();
  sheet.hidden = false;
  veil.hidden = false;
  opened = sheet;
  from = card.dataset.id;
  // Not into the note: a keyboard would cover the choices.
  const first = sheet.querySelector("[data-group]:not([hidden]) button, .choices:not([data-group]) button");
  if (first) first.focus();
}

function closeSheet() {
  if (!opened) return;
  const name = opened.id.replace("sheet-", "");
  opened.hidden = true;
  veil.hidden = true;
  opened = null;
  const card = cardOf(from);
  const back = card ? card.querySelector('[data-sheet="' + name + '"]') : null;
  (back || document.getElementById("main")).focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest ? event.target.closest("a[data-sheet]") : null;
  if (link && list.contains(link)) {
    event.preventDefault();
    openSheet(link);
  } else if (event.target === veil || (event.target.closest && event.target.closest("[data-close]"))) {
    closeSheet();
  }
});
document.addEventListener("act-done", (event) => {
  if (opened && opened.contains(event.target)) closeSheet();
});
document.addEventListener("keydown", (event) => {
  if (!opened) return;
  if (event.key === "Escape") closeSheet();
  if (event.key !== "Tab") return;
  const stops = Array.from(opened.querySelectorAll("button, input")).filter((each) => each.offsetParent !== null && each.type !== "hidden");
  const at = stops.indexOf(document.activeElement);
  const next = event.shiftKey ? (at <= 0 ? stops.length - 1 : at - 1) : at === stops.length - 1 ? 0 : at + 1;
  stops[next].focus();
  event.preventDefault();
});

// A snoozed card comes back when its time is up, though nothing new was said about it.
setInterval(() => {
  const due = Array.from(list.querySelectorAll("[data-due]"));
  // Not while somebody writes how it was settled.
  if (!opened && due.some((each) => Number(each.dataset.due) < nowMs())) whenLifted(() => location.reload());
}, 15000);

soundSwitch(document.getElementById("sound"));
count();
goLive({
  card: draw,
  gone: (data) => {
    const card = cardOf(data.id);
    if (card) card.remove();
    count();
  },
  beat: (data) => {
    if (!data.sum) return;
    put("watched", data.sum.watched);
    put("today", data.sum.today);
  },
});
