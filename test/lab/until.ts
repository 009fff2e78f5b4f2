import { setTimeout as sleep } from "node:timers/promises";

/** The last answer, and how long it took to come to it. */
export interface Answered<T> {
  answer: T;
  seconds: number;
}

/** Asks every second until the answer will do, or the limit is over: what came last is the caller's to judge. */
export async function until<T>(
  ask: () => Promise<T>,
  willDo: (answer: T) => boolean,
  limitSeconds: number,
): Promise<Answered<T>> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    const seconds = (performance.now() - start) / 1000;
    if (willDo(answer) || seconds > limitSeconds) return { answer, seconds };
    await sleep(1000);
  }
}
