// The guard's screen: one huge answer.  Readings come from the gun through the desk, from the keyboard, or from a
// Bluetooth thermometer; without a network they are judged here by the same limits and sent later.

import { connect, hasBluetooth } from "./bluetooth.js";
import { clock, nowMs, texts, toast } from "./frame.js";
import { goLive } from "./live.js";
import { Queue } from "./queue.js";

const body = document.body;
const rules = JSON.parse(body.dataset.rules);
const base = location.pathname;
const SHOWN = 12;
const READINGS_MAX = 3;
const by = (id) => document.getElementById(id);

let t = (key) => key;
let answers = JSON.parse(body.dataset.answers);
let current = null;
let today = Number(body.dataset.today);
let suspicion = { over: 0, below: 0, at: 0 };
let unanswered = []; // readings of this screen that the desk has not answered yet, with what is said here meanwhile
const done = { ask: false, measure: false, check: false, register: false };

function said(answer) {
  const n = answer.celsius.toFixed(1);
  const site = t("site_" + (answer.site || ""));
  const limit = t("limit", { site: site, limit: answer.limit });
  if (answer.verdict === "no-reading") {
    return answer.celsius < rules.plausible[0] ? t("no_reading_low", { celsius: n }) : t("no_reading_high", { celsius: n });
  }
  let text = limit;
  if (answer.verdict === "again") text += " · " + t("again_what", { n: Math.min(answer.readings + 1, READINGS_MAX) });
  // Nobody has been told of what was only judged here.
  if (answer.verdict === "stop") text = t(answer.local ? "stop_offline" : "stop_what");
  if (answer.verdict === "pass" && answer.reason) text = answer.reason;
  if (answer.same) text += " · " + t("same_person");
  return text;
}

function draw(answer) {
  current = answer;
  const place = by("answer");
  const verdict = answer ? answer.verdict : "waiting";
  place.dataset.verdict = verdict;
  body.dataset.verdict = verdict;
  by("number").textContent = answer ? answer.celsius.toFixed(1) + "°" : "";
  by("word").textContent = t(verdict);
  by("why").textContent = answer ? said(answer) + (answer.local ? " · " + t("saved_what") : "") : t("waiting_what");
  by("readings").textContent = answer && answer.readings > 0 && verdict === "again" ? "● ".repeat(answer.readings) + "○ ".repeat(Math.max(0, READINGS_MAX - answer.readings)) : "";
  by("retest").hidden = !(answer && answer.subject && !answer.pass && (verdict === "again" || answer.same));
  if (answer) {
    done.measure = verdict === "pass" || verdict === "stop";
    if (navigator.vibrate && verdict !== "pass") navigator.vibrate(verdict === "stop" ? [500, 150, 500] : [200]);
  }
  steps();
}

function drawLast() {
  const place = by("last");
  place.textContent = "";
  answers.slice(-SHOWN).forEach((answer) => {
    const item = document.createElement("li");
    item.className = answer.verdict;
    item.textContent = answer.celsius.toFixed(1);
    item.title = clock(answer.t_ms, true) + " " + t(answer.verdict);
    const hidden = document.createElement("span");
    hidden.className = "hush";
    hidden.textContent = " " + t(answer.verdict);
    item.appendChild(hidden);
    place.appendChild(item);
  });
  by("today").textContent = t("today", { n: today });
}

function steps() {
  ["ask", "measure", "check", "register"].forEach((name) => {
    by("step-" + name).setAttribute("aria-pressed", done[name] ? "true" : "false");
  });
}

function near(answer) {
  return (each) => Math.abs(each.celsius - answer.celsius) < 0.05;
}

/** The desk's own answer, which takes the place of the one given here. */
function answered(answer) {
  // One is told twice where the line was lost while it was on its way.
  const told = JSON.stringify(answer);
  if (answers.some((each) => JSON.stringify(each) === told)) return;
  const known = answers.findIndex((each) => each.local && near(answer)(each));
  const own = known >= 0 ? -1 : unanswered.findIndex((each) => near(answer)(each.local));
  if (own >= 0) clearTimeout(unanswered.splice(own, 1)[0].timer);
  if (known >= 0) {
    answers.splice(known, 1);
    today -= 1;
  }
  take(answer);
}

function take(answer) {
  today += 1;
  answers.push(answer);
  answers = answers.slice(-SHOWN);
  draw(answer);
  drawLast();
}

/** What the rules would say, for as long as the desk cannot be asked: up to three readings of one person. */
function judge(celsius, site) {
  const limit = rules.limits[site] === undefined ? rules.limits[""] : rules.limits[site];
  const answer = { t_ms: nowMs(), celsius: celsius, site: site, limit: limit, subject: "", pass: "", readings: 0, same: false, reason: "", local: true };
  if (celsius < rules.plausible[0] || celsius > rules.plausible[1]) {
    answer.verdict = "no-reading";
    return answer;
  }
  if (nowMs() - suspicion.at > 600000) suspicion = { over: 0, below: 0, at: 0 };
  const over = celsius >= limit;
  if (!suspicion.at && !over) {
    answer.verdict = "pass";
    return answer;
  }
  if (!suspicion.at) suspicion.at = nowMs();
  if (over) suspicion.over += 1;
  else suspicion.below += 1;
  answer.readings = suspicion.over + suspicion.below;
  answer.same = answer.readings > 1;
  if (celsius >= rules.at_once || suspicion.over >= 2) answer.verdict = "stop";
  else if (suspicion.below >= 2) answer.verdict = "pass";
  else answer.verdict = "again";
  if (answer.verdict !== "again") suspicion = { over: 0, below: 0, at: 0 };
  return answer;
}

const queue = new Queue((waiting, refused) => {
  by("queue").textContent = waiting ? t("queue", { n: waiting }) : t("queue_0");
  by("queue").classList.toggle("some", waiting > 0);
  if (refused) toast(refused, false);
  if (queue.loggedOut) toast(t("logged_out"), false);
});

async function keep(address, fields) {
  const kept = await queue.add(base + address, fields);
  if (!kept) toast(t("not_kept"), false);
  return kept;
}

async function typed(celsius, site, source) {
  const mine = { local: judge(celsius, site), timer: 0 };
  unanswered.push(mine);
  const kept = await keep("/reading", { celsius: String(celsius), site: site, source: source, at: String(Math.round(nowMs())) });
  const sayHere = () => {
    unanswered = unanswered.filter((each) => each !== mine);
    take(mine.local);
  };
  if (!unanswered.includes(mine)) return; // the desk was faster than the phone's own store
  if (!navigator.onLine || body.classList.contains("is-stale")) {
    sayHere();
    if (kept) toast(t("saved"));
    return;
  }
  mine.timer = setTimeout(sayHere, 3000);
}

// --- sheets
const veil = by("veil");
let opened = null;
let opener = null;
function openSheet(id, from) {
  opened = by(id);
  opener = from;
  opened.hidden = false;
  veil.hidden = false;
  const field = opened.querySelector("input");
  if (field) field.focus();
}
function closeSheet() {
  if (!opened) return;
  opened.hidden = true;
  veil.hidden = true;
  opened = null;
  if (opener) opener.focus();
}
document.addEventListener("click", (event) => {
  if (event.target === veil || (event.target.closest && event.target.closest("[data-close]"))) closeSheet();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeSheet();
});

by("manual").addEventListener("click", () => {
  by("form-manual").elements.celsius.value = "";
  openSheet("sheet-manual", by("manual"));
});
by("form-manual").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const celsius = Number(form.elements.celsius.value.trim().replace(/[,，。]/, "."));
  if (!(celsius >= 20 && celsius <= 50)) {
    toast(t("bad_number"), false);
    return;
  }
  closeSheet();
  typed(Math.round(celsius * 10) / 10, form.elements.site.value, "typed");
});
by("step-ask").addEventListener("click", () => {
  done.ask = !done.ask;
  if (done.ask) toast(t("ask_what"));
  steps();
});
by("step-check").addEventListener("click", () => {
  done.check = !done.check;
  if (done.check) toast(t("check_what"));
  steps();
});
by("step-measure").addEventListener("click", () => by("manual").click());
by("step-register").addEventListener("click", () => {
  const form = by("form-register");
  const now = new Date();
  const two = (n) => (n < 10 ? "0" : "") + n;
  form.elements.pass_id.value = current && current.pass ? current.pass : current && current.subject ? current.subject.split("/").pop() : two(now.getHours()) + two(now.getMinutes()) + two(now.getSeconds());
  form.elements.household.value = "";
  openSheet("sheet-register", by("step-register"));
});
by("form-register").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  keep("/register", { pass_id: form.elements.pass_id.value, household: form.elements.household.value });
  toast(t("registered", { pass_: form.elements.pass_id.value }));
  done.register = true;
  closeSheet();
  steps();
});
by("retest").addEventListener("click", () => {
  if (!current || !current.subject) return;
  keep("/retest", { subject: current.subject });
  toast(t("retest_asked"));
});
by("next").addEventListener("click", () => {
  suspicion = { over: 0, below: 0, at: 0 };
  Object.keys(done).forEach((name) => {
    done[name] = false;
  });
  draw(null);
});

if (hasBluetooth()) {
  const button = by("bluetooth");
  button.hidden = false;
  button.addEventListener("click", () => {
    connect((reading) => typed(reading.celsius, reading.site || rules.site, "bluetooth"), () => toast(t("bt_off"), false))
      .then(() => {
        toast(t("bt_on"));
        closeSheet();
      })
      .catch((error) => toast(String(error.message || error), false));
  });
}

texts("checkpoint").then((found) => {
  t = found;
  const newest = answers.length ? answers[answers.length - 1] : null;
  draw(newest && nowMs() - newest.t_ms < 60000 ? newest : null);
  drawLast();
  queue.start();
  goLive({ answer: answered });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js");
});
