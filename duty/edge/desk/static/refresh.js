// A page whose live part is drawn afresh by the desk when something about it changed.

import { whenLifted } from "./frame.js";
import { goLive } from "./live.js";

let waiting = 0;
let busy = false;
let again = false;
let owed = false;

function draw(drawn) {
  const parts = document.querySelectorAll("#fresh, [data-fresh]");
  for (let i = 0; i < parts.length; i += 1) {
    const fresh = drawn.getElementById(parts[i].id);
    // What somebody is filling in stays as it is until they leave it.
    if (fresh && parts[i].contains(document.activeElement)) owed = true;
    else if (fresh) parts[i].innerHTML = fresh.innerHTML;
  }
}

async function redraw() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (answer.ok) {
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
      whenLifted(() => draw(drawn));
    }
  } catch (error) {
    // The live line says that the connection is gone; the next change draws again.
  }
  busy = false;
  if (again) {
    again = false;
    redraw();
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(redraw, 250);
}

document.addEventListener("focusout", () => {
  if (!owed) return;
  owed = false;
  soon();
});

goLive({ touched: soon, card: soon, gone: soon });
