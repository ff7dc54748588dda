// blocked-words refuses an input that contains one of the words of its
// configuration: a hook for the point `input`, written with the Extism PDK for
// AssemblyScript and nothing of Snaphook.

import { Config, Host, Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";
import { Scanner } from "./scanner";

/** The hook. It returns 0 for an answer and 1 for an error. */
export function check(): i32 {
  const words = blockedWords();
  if (words === null) return fail("config: words is not a list of words");
  const texts = contentOf(Host.inputString());
  if (texts === null) return fail("the context has no target.content");
  return answer(
    containsAny(texts, words)
      ? '{"decision":"deny","reason":"blocked_word","message":"The input contains a word that is not allowed here."}'
      : '{"decision":"allow"}',
  );
}

/** Reads the list `words`, which the host hands over as its JSON text. */
function blockedWords(): string[] | null {
  const list = Config.get("words");
  if (list === null) return null;
  const scanner = new Scanner(list);
  if (!scanner.isList()) return null;
  const words = scanner.value();
  return scanner.failed || words.length == 0 ? null : words;
}

/** Returns every string of the content, which is itself a string or an object. */
function contentOf(context: string): string[] | null {
  const scanner = new Scanner(context);
  if (!scanner.enter("target") || !scanner.enter("content")) return null;
  const texts = scanner.value();
  return scanner.failed ? null : texts;
}

/** Reports whether a text contains a word, in upper or lower case. */
function containsAny(texts: string[], words: string[]): bool {
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i].toLowerCase();
    for (let j = 0; j < words.length; j++) {
      if (text.includes(words[j].toLowerCase())) return true;
    }
  }
  return false;
}

/** Gives the host the verdict, which must be ASCII: outputString makes room for
 * as many bytes as the string has UTF-16 units. */
function answer(verdict: string): i32 {
  Host.outputString(verdict);
  return 0;
}

/** Tells the host why there is no verdict. */
function fail(problem: string): i32 {
  error_set(Memory.allocateString(problem).offset);
  return 1;
}
