// What a person asks for: `tag:beach -tag:person year:2019..2021 sunset`. The same grammar as runs/query.py; both pass
// tests/query_cases.json. Words without a field are the server's business; all else is answered here.

import { FLAG, NO_RATING } from "./model.js";
import { fold, identity } from "./text.js";

const TOKEN = /-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s"]+)+/giu;
const FIELDS = ["tag", "year", "date", "folder", "camera", "rating", "is", "has"];

/** `{terms: [{field, value, not}], words}`; words are the texts without a field, as they stand. */
export function parse(text) {
  const terms = [];
  const words = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const found = /^(-?)([a-z]+):(.*)$/isu.exec(token);
    const field = found?.[2].toLowerCase();
    const value = found?.[3].replaceAll('"', "").trim();
    if (FIELDS.includes(field) && value) terms.push({ field, value, not: found[1] === "-" });
    else if (!FIELDS.includes(field)) words.push(token);
  }
  return { terms, words: words.join(" ") };
}

export function write({ terms, words }) {
  const quoted = (value) => (/[\s"]/u.test(value) ? `"${value.replaceAll('"', "")}"` : value);
  const parts = terms.map(({ field, value, not }) => `${not ? "-" : ""}${field}:${quoted(value)}`);
  return [...parts, words].filter(Boolean).join(" ");
}

export const sameTerm = (a, b) => a.field === b.field && fold(a.value) === fold(b.value);

/** The query with a term turned on, to "not", or off (`how`: "in", "not", ""). One year, folder or camera at a time. */
export function withTerm(query, term, how) {
  const single = ["year", "folder", "camera"].includes(term.field) && how === "in";
  const terms = query.terms.filter((t) => !sameTerm(t, term) && !(single && t.field === term.field && !t.not));
  if (how) terms.push({ field: term.field, value: term.value, not: how === "not" });
  return { ...query, terms };
}

/** How a term stands in a query: "in", "not" or "". */
export function standing(query, term) {
  const found = query.terms.find((t) => sameTerm(t, term));
  return found ? (found.not ? "not" : "in") : "";
}

/** The places of the photos that fit all terms (words are not looked at), in the library's order. */
export function matches(library, terms) {
  const tests = terms.map((term) => [tester(library, term), term.not]);
  const hits = new Uint32Array(library.count);
  let found = 0;
  for (let place = 0; place < library.count; place++) {
    let fits = true;
    for (const [test, not] of tests) {
      if (test(place) === not) {
        fits = false;
        break;
      }
    }
    if (fits) hits[found++] = place;
  }
  return hits.subarray(0, found);
}

const TESTERS = {
  tag(library, value) {
    const wanted = tagsLike(library, value);
    const { tags, start } = library;
    return (place) => {
      for (let i = start[place]; i < start[place + 1]; i++) if (wanted[tags[i]]) return true;
      return false;
    };
  },
  year: (library, value) => TESTERS.date(library, value),
  date(library, value) {
    const [from, to] = range(value, (text) => text);
    const [first, last] = [dayNumber(from, false), dayNumber(to, true)];
    return (place) => library.day[place] >= first && library.day[place] <= last;
  },
  folder: (library, value) => inList(library.folded.folders, value, (place) => library.folder[place]),
  camera: (library, value) => inList(library.folded.cameras, value, (place) => library.camera[place] - 1),
  rating(library, value) {
    const [from, to] = range(value, Number);
    return (place) => library.rating[place] !== NO_RATING && within(library.rating[place], from, to);
  },
  is(library, value) {
    const bit = { review: FLAG.review, unreadable: FLAG.unreadable }[value.toLowerCase()];
    if (value.toLowerCase() === "untagged") return (place) => library.start[place] === library.start[place + 1];
    return bit ? (place) => (library.flags[place] & bit) !== 0 : () => false;
  },
  has(library, value) {
    switch (value.toLowerCase()) {
      case "gps": return (place) => !Number.isNaN(library.lat[place]);
      case "caption": return (place) => (library.flags[place] & FLAG.caption) !== 0;
      case "rating": return (place) => library.rating[place] !== NO_RATING;
      case "date": return (place) => (library.flags[place] & FLAG.fileDate) === 0;
      case "camera": return (place) => library.camera[place] > 0;
      default: return () => false;
    }
  },
};

function tester(library, { field, value }) {
  return TESTERS[field](library, value);
}

/** Which tags a person means by a name: the tag of that path, and every tag that has it among its levels. */
function tagsLike(library, value) {
  const wanted = `|${levels(value)}|`;
  return Uint8Array.from(library.tagNames, (name) => (`|${levels(name)}|`.includes(wanted) ? 1 : 0));
}

const levels = (path) => path.split("|").map((level) => fold(identity(level))).join("|");

/** A part of the text is enough; which entries of a list have it is asked once, not for each photo. */
function inList(folded, value, index) {
  const wanted = fold(value);
  const fits = folded.map((text) => text.includes(wanted));
  return (place) => fits[index(place)] ?? false;
}

const within = (n, from, to) => n >= from && n <= to;

/** `2019`, `2019..2021`, `2019..`, `..2021`, `>=3`, `<4` as both ends; an open end is infinite. */
function range(text, read) {
  const sign = /^(>=|<=|>|<)(.+)$/u.exec(text);
  if (sign) {
    const n = read(sign[2]);
    return { ">=": [n, Infinity], "<=": [-Infinity, n], ">": [n + 1, Infinity], "<": [-Infinity, n - 1] }[sign[1]];
  }
  const [from, to = from] = text.split("..");
  return [from === "" ? -Infinity : read(from), to === "" ? Infinity : read(to)];
}

/** The first or last day of `2019`, `2019-07` or `2019-07-14`, in days since 1970. */
function dayNumber(text, last) {
  if (typeof text === "number") return text;
  const [year, month, day] = text.split("-").map(Number);
  const first = Date.UTC(year, (month || 1) - 1, day || 1);
  if (!last || day) return first / 86400000;
  return (month ? Date.UTC(year, month, 1) : Date.UTC(year + 1, 0, 1)) / 86400000 - 1;
}
