// The field "Search": text in the grammar of queries, with suggestions for the word that is being typed.

import { combo } from "./combo.js";
import { write, parse } from "./query.js";
import { state } from "./state.js";
import { fold, number, rank } from "./text.js";

const WORDS = ["is:untagged", "is:review", "has:gps", "has:caption", "has:rating"];
const last = /(^|.*\s)(-?)((?:[a-z]+:)?(?:"[^"]*"?|\S*))$/isu;

/** Suggestions for the last word: tags, then folders and cameras, then fixed words. */
function suggest(text) {
  const [, before, not, word] = last.exec(text) ?? [];
  if (!word) return [];
  const [, field, typed] = /^(?:([a-z]+):)?"?(.*?)"?$/iu.exec(word);
  const { library } = state;
  const among = (name, folded, names, counts, limit) =>
    field && field !== name ? [] : rank(typed, folded, limit).map((i) => ({
      text: names[i].split("|").join(" › "), note: counts ? number(counts[i]) : name, before, not,
      term: { field: name, value: names[i], not: not === "-" },
    }));
  const fixed = WORDS.filter((one) => one.startsWith(word.toLowerCase()) || (!field && one.split(":")[1].startsWith(fold(typed))));
  return [
    ...among("tag", library.folded.tags, library.tagNames, library.tagCounts, 6),
    ...among("folder", library.folded.folders, library.head.folders, null, 3),
    ...among("camera", library.folded.cameras, library.head.cameras, null, 2),
    ...fixed.map((one) => ({ text: one, note: "", before, not, term: { ...parse(one).terms[0], not: not === "-" } })),
  ].slice(0, 9);
}

export function start(go, leave) {
  const input = document.querySelector("#search");
  combo(input, document.querySelector("#suggestions"), {
    suggest,
    leave,
    choose(option, text) {
      const chosen = option ? `${option.before}${write({ terms: [option.term], words: "" })}` : text;
      input.value = chosen;
      go(chosen);
      if (!option) leave();
    },
  });
}
