/** Questions about the documents, written by hand, each with a phrase that only the sentences that answer it hold. */
export type Question = {
  readonly text: string;
  readonly answer: string;
  readonly kind: 'same words' | 'typing errors' | 'other words';
};

const asked = (kind: Question['kind'], pairs: readonly (readonly [string, string])[]): Question[] =>
  pairs.map(([text, answer]) => ({ kind, text, answer }));

export const questions: readonly Question[] = [
  ...asked('same words', [
    ['How long is the answer of an Idempotency-Key replayed?', '24 hours; the answer is sealed'],
    ['What happens when the client leaves a stored response?', 'a stored response goes on'],
    ['How many vectors does a shard hold?', 'up to 768 100,000 41 MB'],
    ['Where does the receipt bring the ticket back to?', 'The receipt brings the ticket back'],
    ['Which object owns the head of the memory chain?', "the head of each agent's memory chain"],
    ['How is a key checked, by checksum, id and hash?', 'takes a key apart'],
    ['When is a dead row compacted?', 'at once when a quarter of the rows is dead'],
    ['What is the metric of an embedding space fixed by?', 'are fixed by the first write'],
    ['How many threads does workerd use in a process?', 'workerd uses one thread'],
    ['Are secrets ever shown again?', 'open every secret'],
    ['What does a decision page say?', 'what was decided, why, what was rejected'],
    ['How long may the chain wait for a checkpoint?', 'Every 1,024 entries'],
  ]),
  ...asked('typing errors', [
    ['idempotncy key replyed how lnog', '24 hours; the answer is sealed'],
    ['clinet leavs stord respnse', 'a stored response goes on'],
    ['vecors per shrad', 'up to 768 100,000 41 MB'],
    ['reciept ticekt back', 'The receipt brings the ticket back'],
    ['haed of the memroy chian', "the head of each agent's memory chain"],
    ['workred thraed', 'workerd uses one thread'],
    ['compacton of dead rwos', 'at once when a quarter of the rows is dead'],
    ['checkpiont entires', 'Every 1,024 entries'],
  ]),
  ...asked('other words', [
    ['For what time can I repeat a call safely?', '24 hours; the answer is sealed'],
    ['Does work stop if the browser is closed?', 'a stored response goes on'],
    ['What is the capacity of one partition?', 'up to 768 100,000 41 MB'],
    ['Is the runtime parallel on my own computer?', 'workerd uses one thread'],
    ['What did you consider and throw away?', 'what was decided, why, what was rejected'],
    ['When is garbage collected?', 'at once when a quarter of the rows is dead'],
  ]),
];
