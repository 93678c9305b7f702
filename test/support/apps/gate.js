// Lets a test hold a function: it waits until the file exists.
import { existsSync } from 'node:fs';

export async function passGate(file) {
  while (file !== undefined && !existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
}
