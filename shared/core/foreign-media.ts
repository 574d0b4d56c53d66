/**
 * Images, sounds and films in what a model is asked: a node fetches what it is only told the address of, from inside the
 * operator's network and by no rule of ours. So they come as data URLs, or not at all.
 */
const Embedded = /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i;
const AddressMember = /_url$/;

/** `url`: as a string, or as the member of an object, as the chat API has it. */
export function isEmbedded(url: unknown): boolean {
  const text = typeof url === 'object' && url !== null && 'url' in url ? url.url : url;
  return typeof text === 'string' && Embedded.test(text);
}

/** Whether anything in it names media by an address: a member `image_url`, `audio_url`, …, at any depth. */
export function holdsForeignMedia(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsForeignMedia);
  return Object.entries(value).some(([name, each]) =>
    AddressMember.test(name) && each !== null ? !isEmbedded(each) : holdsForeignMedia(each),
  );
}
