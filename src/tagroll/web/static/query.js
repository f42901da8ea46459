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

/** Whether a photo has no tags; what cannot be read may have some. */
export function isUntagged(library, place) {
  return library.start[place] === library.start[place + 1] && !(library.flags[place] & FLAG.unreadable);
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
    const [first, last] = range(value, days);
    return (place) => library.day[place] >= first && library.day[place] <= last;
  },
  folder: (library, value) => inList(library.folded.folders, value, (place) => library.folder[place]),
  camera: (library, value) => inList(library.folded.cameras, value, (place) => library.camera[place] - 1),
  rating(library, value) {
    const [from, to] = range(value, whole);
    const { rating } = library;
    return (place) => rating[place] !== NO_RATING && rating[place] >= from && rating[place] <= to;
  },
  is(library, value) {
    const bit = { review: FLAG.review, unreadable: FLAG.unreadable }[value.toLowerCase()];
    if (value.toLowerCase() === "untagged") return (place) => isUntagged(library, place);
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

// quotation marks do not count: those around a value cannot be told from those in it
const levels = (path) => path.replaceAll('"', "").split("|").map(identity).join("|");

/** A part of the text is enough; which entries of a list have it is asked once, not for each photo. */
function inList(folded, value, index) {
  const wanted = fold(value);
  const fits = folded.map((text) => text.includes(wanted));
  return (place) => fits[index(place)] ?? false;
}

const NOTHING = [Infinity, -Infinity];

/**
 * `2019`, `2019..2021`, `2019..`, `..2021`, `>=3`, `<4` as both ends; an open end is infinite, nonsense fits nothing.
 * @param span reads one value as its own both ends, or null
 */
function range(text, span) {
  const [, sign, compared] = /^(>=|<=|>|<)(.+)$/su.exec(text) ?? [];
  if (sign) {
    const ends = span(compared);
    if (!ends) return NOTHING;
    const [first, last] = ends;
    return { ">=": [first, Infinity], "<=": [-Infinity, last], ">": [last + 1, Infinity], "<": [-Infinity, first - 1] }[sign];
  }
  const dots = text.indexOf("..");
  const [from, to] = dots < 0 ? [text, text] : [text.slice(0, dots), text.slice(dots + 2)];
  const [start, end] = [span(from), span(to)];
  if ((from && !start) || (to && !end) || !(from || to)) return NOTHING;
  return [start ? start[0] : -Infinity, end ? end[1] : Infinity];
}

const whole = (text) => (/^[+-]?\d{1,9}$/u.test(text.trim()) ? [Number(text), Number(text)] : null);

/** The first and the last day of `2019`, `2019-07` or `2019-07-14`, in days since 1970. */
function days(text) {
  const [found, ...parts] = /^(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/u.exec(text.trim()) ?? [];
  if (!found) return null;
  const [year, month, day] = parts.map((part) => (part === undefined ? undefined : Number(part)));
  const first = dayNumber(year, month ?? 1, day ?? 1);
  if (!year || first === null) return null;
  if (day !== undefined) return [first, first];
  const next = month === undefined || month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1);
  return [first, next - 1];
}

/** A date in days since 1970, or null where there is no such date. */
function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC takes the year 19 for 1919
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / 86400000 : null;
}
