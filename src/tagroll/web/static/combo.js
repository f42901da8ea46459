// A field with suggestions: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ (list, no automatic choice).

/**
 * @param input the field; @param list an element for the suggestions
 * @param suggest text -> [{text, note, ...}]
 * @param choose called with the marked suggestion (or null) and the text, on Enter or a click
 * @param leave called on Esc, once the list is closed
 */
export function combo(input, list, { suggest, choose, leave }) {
  let options = [];
  let marked = -1;

  const set = (name, value) => input.setAttribute(`aria-${name}`, value);
  input.setAttribute("role", "combobox");
  input.autocomplete = "off";
  input.spellcheck = false;
  set("autocomplete", "list");
  set("controls", list.id);
  set("expanded", "false");
  list.setAttribute("role", "listbox");
  list.hidden = true;

  function open() {
    options = suggest(input.value);
    mark(-1);
    list.replaceChildren(...options.map(element));
    list.hidden = !options.length;
    set("expanded", String(!list.hidden));
  }

  function close() {
    list.hidden = true;
    mark(-1);
    set("expanded", "false");
  }

  function element({ text, note }, i) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.id = `${list.id}-${i}`;
    option.append(text);
    if (note) {
      const small = document.createElement("small");
      small.append(` ${note}`);
      option.append(small);
    }
    return option;
  }

  function mark(i) {
    marked = i;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", at === i));
    if (i < 0) input.removeAttribute("aria-activedescendant");
    else {
      set("activedescendant", list.children[i].id);
      list.children[i].scrollIntoView({ block: "nearest" });
    }
  }

  function take(i) {
    const option = options[i] ?? null;
    close();
    choose(option, input.value);
  }

  input.addEventListener("input", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (list.hidden) open();
      const n = options.length;
      if (n) mark((marked + step + n + (marked < 0 && step < 0 ? 1 : 0)) % n);
    } else if (event.key === "Enter") take(marked);
    else if (event.key === "Escape") {
      if (list.hidden) leave?.();
      else close();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // On mouse down, so that the field keeps the keyboard.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take([...list.children].indexOf(option));
  });
}
