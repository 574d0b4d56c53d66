/**
 * What an extractive answer can quote: the agent's instructions sentence by sentence, and the recalled memories with the
 * number each is cited by. Pure.
 */
import { RecallHeading } from '../../shared/contracts/inference.ts';
import { findString, isJsonObject, type JsonObject } from '../json-object.ts';

export type Passage = {
  readonly text: string;
  /** The number of a recalled memory; undefined for a sentence of the instructions. */
  readonly memory: number | undefined;
};

export type Conversation = {
  readonly passages: readonly Passage[];
  /** The last thing that the user said. */
  readonly question: string;
  /** What tools answered since then. */
  readonly toolResults: readonly string[];
};

export function readConversation(messages: readonly unknown[]): Conversation {
  const passages: Passage[] = [];
  let question = '';
  let toolResults: string[] = [];
  for (const message of messages) {
    if (!isJsonObject(message)) continue;
    const text = readText(message).trim();
    const role = message['role'];
    if (role === 'system' || role === 'developer') passages.push(...splitInstructions(text));
    else if (role === 'user') {
      question = text;
      toolResults = [];
    } else if ((role === 'tool' || role === 'function') && text !== '') toolResults.push(text);
  }
  return { passages, question, toolResults };
}

/** A message's text; of parts, the text ones. */
export function readText(message: JsonObject): string {
  const content = message['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => findString(part, 'text'))
    .filter((text) => text !== undefined)
    .join('\n');
}

const memoryLine = /^\[(\d+)\]\s+(.*)$/;

function splitInstructions(text: string): Passage[] {
  const passages: Passage[] = [];
  let remembering = false;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === RecallHeading) {
      remembering = true;
      continue;
    }
    const memory = remembering ? memoryLine.exec(line) : null;
    const last = passages.at(-1);
    if (memory) passages.push({ text: memory[2]!.trim(), memory: Number(memory[1]) });
    else if (line === '') remembering &&= last?.memory === undefined;
    else if (remembering && last?.memory !== undefined)
      passages[passages.length - 1] = { ...last, text: `${last.text} ${line}` };
    else passages.push(...splitSentences(line).map((sentence) => ({ text: sentence, memory: undefined })));
  }
  return passages.filter((passage) => passage.text !== '');
}

/** Sentences, without the marks of a list or a heading before them. */
function splitSentences(line: string): string[] {
  const plain = line.replace(/^(?:[-*•]|#{1,6}|\d+[.)])\s+/, '');
  return plain.split(/(?<=[.!?])\s+(?=[\p{Lu}\p{N}"'“(])/u).map((sentence) => sentence.trim());
}
