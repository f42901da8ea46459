// A photo of which there is no picture: its name, and what the server says of it.

import { answer, known } from "./api.js";

/** Says it in an element, where the picture at `src` would be. */
export async function tell(element, id, src) {
  const told = await known(id);
  const reason = await answer(src).then(() => "", ({ message }) => message);
  element.textContent = `${told?.name ?? "This photo"}: ${reason || "no picture could be made of it"}`;
}
