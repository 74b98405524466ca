// The picture of the buildings: cells change colour and mark by themselves; arrow keys walk over what is watched.

import { goLive } from "./live.js";

const picture = document.getElementById("picture");
const cells = {};
Array.from(picture.querySelectorAll("[data-h]")).forEach((cell) => {
  cells[cell.dataset.h] = cell;
});

function nameOf(household, state) {
  const parts = household.split("/");
  return (document.body.dataset.language === "zh" ? parts[1] + " 栋 " + parts[2] : "Building " + parts[1] + " · " + parts[2]) + " " + picture.dataset[state];
}

function change(data) {
  const old = cells[data.household];
  if (!old) return;
  const unit = old.dataset.unit;
  const wantsLink = data.state !== "none" || Boolean(unit);
  let cell = old;
  if (wantsLink !== (old.tagName === "A")) {
    cell = document.createElement(wantsLink ? "a" : "i");
    cell.dataset.h = data.household;
    if (wantsLink) {
      const parts = data.household.split("/").map(encodeURIComponent);
      cell.href = "/g/" + parts[0] + "/h/" + parts[1] + "/" + parts[2];
    }
    old.replaceWith(cell);
    cells[data.household] = cell;
  }
  cell.className = "cell " + data.state;
  if (cell.tagName === "A") cell.setAttribute("aria-label", unit ? unit + " " + picture.dataset[data.state] : nameOf(data.household, data.state));
}

function near(cell, key) {
  const all = Array.from(picture.querySelectorAll("a.cell"));
  const here = cell.getBoundingClientRect();
  let best = null;
  let bestFar = Infinity;
  all.forEach((other) => {
    if (other === cell) return;
    const there = other.getBoundingClientRect();
    const dx = there.left - here.left;
    const dy = there.top - here.top;
    const ahead = key === "ArrowRight" ? dx : key === "ArrowLeft" ? -dx : key === "ArrowDown" ? dy : -dy;
    const aside = key === "ArrowRight" || key === "ArrowLeft" ? Math.abs(dy) : Math.abs(dx);
    if (ahead <= 2) return;
    const far = ahead + aside * 3;
    if (far < bestFar) {
      best = other;
      bestFar = far;
    }
  });
  return best;
}

picture.addEventListener("keydown", (event) => {
  const cell = event.target.closest("a.cell");
  if (!cell || event.key.indexOf("Arrow") !== 0) return;
  const next = near(cell, event.key);
  if (next) {
    next.focus();
    event.preventDefault();
  }
});

// A thumb is wider than a cell: a tap opens the watched home within 22 px of it, else the building, larger.
picture.addEventListener("click", (event) => {
  if (event.target.closest("a") || picture.classList.contains("large")) return;
  const tower = event.target.closest(".tower");
  if (!tower) return;
  let best = null;
  let bestFar = 23;
  Array.from(tower.querySelectorAll("a.cell")).forEach((cell) => {
    const box = cell.getBoundingClientRect();
    const far = Math.max(Math.abs(box.left + box.width / 2 - event.clientX), Math.abs(box.top + box.height / 2 - event.clientY));
    if (far < bestFar) {
      best = cell;
      bestFar = far;
    }
  });
  location.href = best ? best.href : tower.querySelector("h2 a").href;
});

goLive({ cell: change });
