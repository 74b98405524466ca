// Waits with the worker for the door to open and close: looks every second, and shows the seconds that are left.

import "./frame.js";

const place = document.getElementById("fitting");
const left = document.getElementById("left");
const until = Date.now() + Number(place.dataset.left) * 1000;

async function look() {
  left.textContent = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("fitting");
    if (!drawn || drawn.dataset.state !== place.dataset.state) {
      location.reload();
      return;
    }
  } catch (error) {
    // No network just now: look again in a second.
  }
  setTimeout(look, 1000);
}

look();
