import { createSocket, type Socket } from "node:dgram";

import { decode, encode, type Packet, RECURSION_AVAILABLE, RECURSION_DESIRED, type StringAnswer } from "dns-packet";

/** How long an answer may be kept, in seconds, as Amazon's resolver says it of a VPC's own names. */
const TTL = 60;
/** RFC 1035's codes, which dns-packet leaves to whoever uses it. */
const NO_SUCH_NAME = 3;

/** The address in a machine's private name, as `ip-10-0-1-10.ap-northeast-2.compute.internal`. */
function addressIn(name: string): string | undefined {
  const [, ...bytes] = /^ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:[a-z0-9-]+\.compute|ec2)\.internal$/i.exec(name) ?? [];
  return bytes.length === 0 || bytes.some((byte) => Number(byte) > 255) ? undefined : bytes.join(".");
}

/**
 * What a VPC's name server answers: the machines' private names, and for every other that there is no such name. A lab
 * has no internet, so no more names exist.
 *
 * Without it every name of a pod with fewer than five dots would cost seconds: its search ends with the VPC's domain.
 */
export function answerTo(question: Packet): Packet {
  const [asked] = question.questions ?? [];
  const data = asked && addressIn(asked.name);
  const answers: StringAnswer[] = data && asked.type === "A" ? [{ name: asked.name, type: "A", ttl: TTL, data }] : [];
  const code = data === undefined ? NO_SUCH_NAME : 0;
  const asWished = (question.flags ?? 0) & RECURSION_DESIRED;
  return {
    type: "response",
    ...(question.id !== undefined && { id: question.id }),
    flags: RECURSION_AVAILABLE | asWished | code,
    questions: question.questions ?? [],
    answers,
  };
}

/** Answers over UDP until the socket is closed; what cannot be read as a question is passed over. */
export function serveNames(address: string, port: number): Socket {
  const socket = createSocket("udp4");
  socket.on("message", (message, sender) => {
    try {
      socket.send(encode(answerTo(decode(message))), sender.port, sender.address);
    } catch (error) {
      console.error(`a packet from ${sender.address} is no question: ${String(error)}`);
    }
  });
  return socket.bind(port, address);
}

if (require.main === module) {
  const [address = "", port = "53"] = process.argv.slice(2);
  serveNames(address, Number(port));
}
