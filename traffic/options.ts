import { InvalidArgumentError } from "commander";

/** Longest run, in seconds. */
const LONGEST = 3600;

/** @throws InvalidArgumentError unless it is a whole number of requests a second from 1 to 1000 */
export function parseRate(text: string): number {
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 1 || rate > 1000)
    throw new InvalidArgumentError("a whole number of requests a second from 1 to 1000");
  return rate;
}

/** @throws InvalidArgumentError unless it is from 2, without which there is no interval, to 100 */
export function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 2 || rounds > 100)
    throw new InvalidArgumentError("a whole number of rounds from 2 to 100");
  return rounds;
}

/**
 * Seconds of `90`, `90s` or `2m`.
 * @throws InvalidArgumentError unless it is from 1 s to 1 h
 */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+)(s|m|h)?$/.exec(text) ?? [];
  const seconds = Number(number) * { s: 1, m: 60, h: 3600 }[unit ?? "s"]!;
  if (!(seconds >= 1 && seconds <= LONGEST)) throw new InvalidArgumentError("a time from 1s to 1h, such as 60s or 2m");
  return seconds;
}
