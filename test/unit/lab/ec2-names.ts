import { createSocket } from "node:dgram";
import { once } from "node:events";

import { decode, encode, type Packet, RECURSION_DESIRED } from "dns-packet";

import { answerTo, serveNames } from "../../../lab/ec2/name-server";

/** A question as it arrives: what dns-packet made of bytes. */
function question(name: string, type: "A" | "AAAA" = "A"): Packet {
  return decode(encode({ type: "query", id: 7, flags: RECURSION_DESIRED, questions: [{ type, name }] }));
}

/** An answer as it is read at the other end. */
function answered(name: string, type?: "A" | "AAAA") {
  return decode(encode(answerTo(question(name, type))));
}

test.each(["ip-10-0-1-11.ap-northeast-2.compute.internal", "ip-10-0-1-11.ec2.internal"])("%s is known", (name) => {
  expect(answered(name)).toMatchObject({ id: 7, rcode: "NOERROR", answers: [{ name, type: "A", data: "10.0.1.11" }] });
});

test("a machine's name exists without having an IPv6 address", () => {
  const packet = answered("ip-10-0-1-11.ap-northeast-2.compute.internal", "AAAA");
  expect(packet).toMatchObject({ rcode: "NOERROR", answers: [] });
});

test.each([
  "productpage.bookinfo.svc.cluster.local.ap-northeast-2.compute.internal",
  "ip-10-0-1-300.ec2.internal",
  "example.com",
])("%s is denied", (name) => {
  expect(answered(name)).toMatchObject({ rcode: "NXDOMAIN", answers: [], questions: [{ name }] });
});

test("what is no question is passed over, and the next one is answered", async () => {
  const server = serveNames("127.0.0.1", 0);
  await once(server, "listening");
  const client = createSocket("udp4");
  const complaint = jest.spyOn(console, "error").mockImplementation(() => {});
  try {
    const { port } = server.address();
    client.send("?", port, "127.0.0.1");
    client.send(encode(question("example.com")), port, "127.0.0.1");
    const [message] = (await once(client, "message")) as [Buffer];
    expect(decode(message)).toMatchObject({ id: 7, rcode: "NXDOMAIN" });
    expect(complaint).toHaveBeenCalledTimes(1);
  } finally {
    complaint.mockRestore();
    client.close();
    server.close();
  }
});
