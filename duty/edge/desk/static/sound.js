// A sound and a vibration for a new page; another for a lost connection.  Browsers want a tap first: the switch is it.

const KEY = "threshold-sound";
const LATE_MS = 5000;
let audio = null;

function wanted() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch (error) {
    return false;
  }
}

function remember(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch (error) {
    // A browser that keeps nothing still sounds until the page is closed.
  }
}

function wake() {
  const Maker = window.AudioContext || window.webkitAudioContext;
  if (!Maker) return;
  if (!audio) audio = new Maker();
  if (audio.state === "suspended") audio.resume();
}

function tone(frequency, startS, longS) {
  const source = audio.createOscillator();
  const volume = audio.createGain();
  const at = audio.currentTime + startS;
  source.frequency.value = frequency;
  source.type = "square";
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + longS);
  source.connect(volume);
  volume.connect(audio.destination);
  source.start(at);
  source.stop(at + longS);
}

function play(notes, buzz) {
  if (!wanted()) return;
  if (navigator.vibrate) navigator.vibrate(buzz);
  if (!audio) return;
  const sound = () => notes.forEach((note) => tone(note[0], note[1], note[2]));
  if (audio.state === "running") {
    sound();
    return;
  }
  // A tap has just woken it, and it runs in a moment; what it could not play for long is past.
  const asked = Date.now();
  audio.resume().then(() => {
    if (Date.now() - asked < LATE_MS) sound();
  }, () => {});
}

/** A page came in. */
export function callSound() {
  play([[880, 0, 0.22], [1175, 0.25, 0.22], [880, 0.5, 0.22], [1175, 0.75, 0.3]], [400, 120, 400, 120, 600]);
}

/** The picture is no longer live. */
export function lostSound() {
  play([[300, 0, 0.4], [220, 0.45, 0.6]], [150, 80, 150, 80, 150]);
}

/** Make `button` the switch. */
export function soundSwitch(button) {
  if (!button) return;
  const draw = () => {
    const on = wanted();
    button.setAttribute("aria-pressed", on ? "true" : "false");
    button.textContent = on ? button.dataset.on : button.dataset.off;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    remember(!wanted());
    wake();
    draw();
    callSound();
  });
  // The first tap anywhere wakes the sound again after the page was opened anew.
  document.addEventListener("click", () => {
    if (wanted()) wake();
  });
  draw();
}
