/** An image as small as a model needs it. Drawn anew: what was hidden in the file (a place, a camera) stays behind. */

/** Models look at no more, and a message with five of them has to fit. */
const MaxEdgePx = 1_024;
const Quality = 0.8;

/** A data URL of a JPEG. Rejects what the browser cannot show as an image. */
export async function shrinkImage(file: File): Promise<string> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, MaxEdgePx / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil(bitmap.width * scale);
  canvas.height = Math.ceil(bitmap.height * scale);
  const context = canvas.getContext('2d')!;
  // A JPEG has nothing to see through.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/jpeg', Quality);
}
