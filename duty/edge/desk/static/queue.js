// What waits to be sent, kept in IndexedDB in the order it was made, and sent in that order, each once.
//
// An entry leaves the queue only when the desk has answered it: taken in, or refused for good.  Its id goes with it, so
// that one sent twice (an answer that got lost on the way) is taken in once.  It counts as waiting from the tap on.
// Where the phone keeps nothing (storage full or switched off) it waits in this page alone, and the guard is told.

const NAME = "threshold-checkpoint";
const OPENING_MS = 5000; // a store that does not open by then is not waited for
const ANSWER_MS = 20000; // a network that takes what is sent and never answers would hold up all that waits

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("queue", { keyPath: "n", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

function run(database, mode, act) {
  return new Promise((resolve, reject) => {
    const work = database.transaction("queue", mode);
    const asked = act(work.objectStore("queue"));
    work.oncomplete = () => resolve(asked.result);
    work.onerror = () => reject(work.error);
    work.onabort = () => reject(work.error);
  });
}

/** An id nobody else makes. */
export function freshId() {
  const bytes = new Uint8Array(12);
  crypto.getRandomValues(bytes);
  return Array.from(bytes, (each) => (each < 16 ? "0" : "") + each.toString(16)).join("");
}

/** The status of the answer, and what it says where it is the desk's. */
async function post(entry) {
  const given = new AbortController();
  const enough = setTimeout(() => given.abort(), ANSWER_MS);
  try {
    const answer = await fetch(entry.address, {
      method: "POST",
      body: new URLSearchParams(entry.fields),
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      signal: given.signal,
    });
    const desks = answer.status < 500 && answer.status !== 401 && answer.status !== 429;
    return { status: answer.status, said: desks ? await answer.json() : null };
  } finally {
    clearTimeout(enough);
  }
}

export class Queue {
  /** `changed(waiting, refused)` is called when the number waiting changed, or one was refused with a sentence. */
  constructor(changed) {
    this.changed = changed;
    this.database = null;
    this.kept = 0; // in the database, when last counted
    this.storing = 0; // on their way into it
    this.spare = []; // those that it would not take
    this.sending = false;
    this.loggedOut = false;
    this.timer = 0;
    const opening = open().then((database) => {
      this.database = database;
    });
    const late = new Promise((done) => setTimeout(done, OPENING_MS));
    this.opened = Promise.race([opening, late]).catch(() => {});
  }

  async start() {
    await this.opened;
    window.addEventListener("online", () => this.send());
    this.timer = setInterval(() => this.send(), 5000);
    await this.tell();
    this.send();
  }

  /** Whether it is kept though the page be closed. */
  async add(address, fields) {
    const entry = { address: address, fields: Object.assign({ id: freshId(), at: String(Date.now()) }, fields) };
    this.storing += 1;
    this.say("");
    let kept = true;
    try {
      await this.opened;
      await run(this.database, "readwrite", (store) => store.add(entry));
    } catch (error) {
      kept = false;
      this.spare.push(entry);
    }
    this.storing -= 1;
    await this.tell();
    this.send();
    return kept;
  }

  async first() {
    const found = this.database ? await run(this.database, "readonly", (store) => store.getAll(null, 1)) : [];
    return found.length ? found[0] : this.spare[0];
  }

  async forget(entry) {
    if (entry === this.spare[0]) {
      this.spare.shift();
      return;
    }
    await run(this.database, "readwrite", (store) => store.delete(entry.n));
  }

  async tell(refused) {
    if (this.database) this.kept = await run(this.database, "readonly", (store) => store.count());
    this.say(refused);
  }

  say(refused) {
    this.changed(this.kept + this.storing + this.spare.length, refused || "");
  }

  /** Send what waits, oldest first; stops at the first that could not be sent. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      let entry = await this.first();
      while (entry) {
        const answer = await post(entry);
        // Not now: the log-in ended, the desk's own trouble, or something in between that is not the desk.
        if (answer.status === 401) {
          this.loggedOut = true;
          break;
        }
        if (!answer.said) break;
        await this.forget(entry);
        await this.tell(answer.said.well ? "" : answer.said.text);
        entry = await this.first();
      }
    } catch (error) {
      // No network: what waits, waits.
    }
    this.sending = false;
  }
}
