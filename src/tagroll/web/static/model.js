// The library: columns of all photos as the server sends them (see docs/explanation/serve.md). A photo is its place in
// them, a number from 0; nothing is made per photo, so that 100,000 of them cost milliseconds.

import { fold, identity } from "./text.js";

const TYPES = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i32: Int32Array, u32: Uint32Array, f32: Float32Array };

export const FLAG = { fileDate: 1, review: 2, original: 4, caption: 8, unreadable: 16 };
export const NO_RATING = -128;

const padded = (n) => (n + 7) & ~7;

/** Reads what `GET /api/library` answers. */
export function parse(buffer) {
  const view = new DataView(buffer);
  const size = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const columns = {};
  let at = padded(4 + size);
  for (const { name, type, length } of head.columns) {
    const Type = TYPES[type];
    columns[name] = new Type(buffer, at, length);
    at += padded(length * Type.BYTES_PER_ELEMENT);
  }
  return new Library(head, columns);
}

/** A library of no photos, until the server has answered. */
export function nothingYet() {
  const head = { generation: "", count: 0, tags: [], folders: [], cameras: [], videos: 0, readOnly: false, roots: [] };
  const names = ["id", "aspect", "minute", "folder", "camera", "rating", "lat", "lon", "flags", "key", "ntags", "tags"];
  return new Library(head, Object.fromEntries(names.map((name) => [name, new Uint32Array(0)])));
}

/** The year of each day. Neighbours are mostly of one year, whose ends are then known. */
function yearsOf(days) {
  const years = new Int16Array(days.length);
  let [year, first, end] = [0, 1, 0];
  for (let i = 0; i < days.length; i++) {
    if (days[i] < first || days[i] >= end) {
      year = new Date(days[i] * 86400000).getUTCFullYear();
      [first, end] = [Date.UTC(year, 0, 1) / 86400000, Date.UTC(year + 1, 0, 1) / 86400000];
    }
    years[i] = year;
  }
  return years;
}

export class Library {
  constructor(head, columns) {
    this.head = head;
    this.count = columns.id.length;
    Object.assign(this, columns);
    this.minute = Int32Array.from(columns.minute);
    for (let i = 1; i < this.count; i++) this.minute[i] += this.minute[i - 1];
    this.day = this.minute.map((minute) => Math.floor(minute / 1440));
    this.year = yearsOf(this.day);
    this.start = new Uint32Array(this.count + 1); // where a photo's tags begin in `tags`
    for (let i = 0; i < this.count; i++) this.start[i + 1] = this.start[i] + columns.ntags[i];
    this.tagNames = head.tags.map(([name]) => name);
    this.tagCounts = head.tags.map(([, count]) => count);
    this.folded = { tags: this.tagNames.map(fold), folders: head.folders.map(fold), cameras: head.cameras.map(fold) };
    this.byIdentity = new Map(this.tagNames.map((name, i) => [identity(name), i]));
  }

  /** The place of a photo by its number, or undefined. */
  at(id) {
    this.places ??= new Map(Array.from(this.id, (number, place) => [number, place]));
    return this.places.get(id);
  }

  tagsOf(place) {
    return this.tags.subarray(this.start[place], this.start[place + 1]);
  }

  namesOf(place) {
    return Array.from(this.tagsOf(place), (tag) => this.tagNames[tag]);
  }

  /** How often each tag stands on these photos: by index of the tag. */
  countTags(places) {
    const counts = new Uint32Array(this.tagNames.length);
    const { tags, start } = this;
    for (const place of places) for (let i = start[place]; i < start[place + 1]; i++) counts[tags[i]]++;
    return counts;
  }

  /** The name under which a tag is in the library already, or the text itself, tidied. */
  known(text) {
    const tidy = text.split("|").map((level) => level.trim().replace(/\s+/g, " ")).filter(Boolean).join("|");
    const found = this.byIdentity.get(identity(tidy));
    return found === undefined ? tidy : this.tagNames[found];
  }

  /** Gives and takes tags (names), `[{id, add, remove}]`, and answers what really changed. 2 ms for a million tags. */
  change(edits) {
    const wanted = new Map();
    for (const { id, add, remove } of edits) {
      const place = this.at(id);
      if (place === undefined) continue;
      wanted.set(place, { add: add.map((name) => this.index(name)), remove: new Set(remove.map((name) => this.index(name))) });
    }
    const done = [];
    const lists = new Map();
    for (const [place, { add, remove }] of wanted) {
      const had = Array.from(this.tagsOf(place));
      const kept = had.filter((tag) => !remove.has(tag));
      const fresh = add.filter((tag) => !had.includes(tag));
      lists.set(place, [...kept, ...fresh]);
      const gone = had.filter((tag) => remove.has(tag));
      for (const tag of fresh) this.tagCounts[tag]++;
      for (const tag of gone) this.tagCounts[tag]--;
      const named = (list) => list.map((tag) => this.tagNames[tag]);
      if (fresh.length || gone.length) done.push({ id: this.id[place], add: named(fresh), remove: named(gone) });
    }
    if (done.length) this.rebuild(lists);
    return done;
  }

  rebuild(lists) {
    let total = this.tags.length;
    for (const [place, list] of lists) total += list.length - (this.start[place + 1] - this.start[place]);
    const tags = new Uint32Array(total);
    const start = new Uint32Array(this.count + 1);
    let at = 0;
    for (let place = 0; place < this.count; place++) {
      start[place] = at;
      const list = lists.get(place);
      if (list) {
        tags.set(list, at);
        at += list.length;
      } else {
        for (let i = this.start[place]; i < this.start[place + 1]; i++) tags[at++] = this.tags[i];
      }
    }
    start[this.count] = at;
    this.tags = tags;
    this.start = start;
  }

  index(name) {
    const key = identity(name);
    let found = this.byIdentity.get(key);
    if (found === undefined) {
      found = this.tagNames.push(name) - 1;
      this.tagCounts.push(0);
      this.folded.tags.push(fold(name));
      this.byIdentity.set(key, found);
    }
    return found;
  }
}
