// Words: what is the same word, what comes first in a list of suggestions, how numbers and dates are told.

/** A text for comparing what a person types: accents and letter case do not count. As `folded` in runs/query.py. */
export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

const STAND_INS = { "\u2215": "/", "\u037e": ";" };

/** Two tags of one identity are the same tag, as tags/identity.py has it: letter case, Unicode form, blanks, stand-ins. */
export function identity(tag) {
  let text = tag;
  if (/[^\0-\x7f]/u.test(text)) {
    text = text.normalize("NFC").replace(/[\u2215\u037e]/g, (sign) => STAND_INS[sign]);
    text = Array.from(text, lower).join("").normalize("NFC");
  }
  return text.toLowerCase().replace(/\s+/g, " ").trim();
}

/** What makes one letter of one, like the final sigma; Turkish has an i of its own. */
function lower(letter) {
  const folded = letter.toUpperCase().toLowerCase();
  return [...folded].length === 1 && letter !== "\u0131" ? folded : letter.toLowerCase();
}

/**
 * The places in `names` that fit what was typed: first those that begin with it, then those with a word that does, then
 * those that have it inside, each in the list's order.
 */
export function rank(typed, names, limit = 8) {
  const wanted = fold(typed.trim());
  const found = [[], [], []];
  for (let i = 0; i < names.length && found[0].length < limit; i++) {
    const at = names[i].indexOf(wanted);
    if (at < 0) continue;
    if (at === 0) found[0].push(i);
    else found[/[\p{L}\p{N}]/u.test(names[i][at - 1]) ? 2 : 1].push(i);
  }
  return found.flat().slice(0, limit);
}

export const number = (n) => n.toLocaleString("en");
export const counted = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;
export const percent = (share) => `${Math.round(share * 100)} %`;

// The camera's clock has no time zone: minutes are told as they were counted.
const format = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const DAY = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const MOMENT = format({ day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
const MONTH = format({ month: "long", year: "numeric" });

export const dayText = (day) => DAY.format(day * 86400000);
export const momentText = (minute) => MOMENT.format(minute * 60000);
export const monthText = (minute) => MONTH.format(minute * 60000);
