import type { Diagnosis, Names } from "./findings";
import { meshPictures } from "./mesh-pictures";
import { networkFaults } from "./network-faults";
import type { CheckResult } from "./result";
import { singleFaults } from "./single-faults";

/**
 * Names the probable causes of what failed, the deepest first; empty if nothing did.
 *
 * A failure is explained once: what follows from a cut network isn't blamed on Prometheus, DNS or the mesh. The four
 * pictures of a cut-off mesh are named beside the network, because people meet the picture first.
 */
export function diagnose(checks: CheckResult[], names: Names): Diagnosis[] {
  const network = networkFaults(checks, names);
  const cut = network.some(({ id }) => CUTS.includes(id));
  const mesh = meshPictures(checks, names, cut);
  const explained = new Set([...network, ...mesh].flatMap(({ explains }) => explains));
  const others = singleFaults(checks, names).filter(({ explains }) => explains.some((id) => !explained.has(id)));
  const found = [...network, ...mesh, ...others];
  const known = new Set(found.flatMap(({ explains }) => explains));
  const unexplained = checks.filter(({ id, status }) => status === "failed" && !known.has(id));
  return [...found, ...unexplained.map(unknownCause)];
}

/** The network faults that take the mesh with them. */
const CUTS = ["node-to-node", "vxlan", "cut-off-node"];

function unknownCause({ id, title, probes, detail }: CheckResult): Diagnosis {
  const said = probes.find(({ ok }) => !ok)?.detail ?? detail ?? "no detail";
  return {
    id: `unknown:${id}`,
    cause: `"${title}" failed by itself: ${said}`,
    remedy: "no known picture; docs/troubleshooting.md says how to look further",
    explains: [id],
  };
}
