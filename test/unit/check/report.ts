import { buildReport, Printer } from "../../../check/report";
import { checkOf, reasonOf, skipped } from "../../../check/result";
import { closedSecurityGroup, healthy } from "../check-pictures";

describe("the report", () => {
  const header = { server: "https://x", version: "v1.35.4", startedAt: "now", seconds: 3, leftovers: [] };

  it("is all true for a healthy cluster", () => {
    const report = buildReport(header, healthy(), []);
    expect(report.ok).toBe(true);
    expect(report.groups.every(({ ok }) => ok)).toBe(true);
    expect(report.groups.map(({ name }) => name)).toContain("pod-network");
  });

  it("ends with one line that says it all", () => {
    const printer = new Printer(false);
    expect(printer.closing(buildReport(header, healthy(), [])).at(-1)).toMatch(/^✔ \d+ passed in 3\.0 s$/);
    const broken = printer.closing(buildReport(header, closedSecurityGroup(), [])).at(-1);
    expect(broken).toMatch(/^✘ \d+ passed, 11 failed in/);
  });

  it("puts failures of the same kind on one line", () => {
    const tcp = closedSecurityGroup().filter(({ id }) => id === "pod-network.tcp");
    expect(new Printer(false).group("pod-network", tcp)).toEqual([
      "",
      "pod to pod",
      "✘ pod-network.tcp (0 of 6)",
      expect.stringMatching(/^ {4}control-plane → worker-1, .*: no answer within 5 s$/) as string,
    ]);
  });

  it("says skipped, not passed, where there is nothing", () => {
    const check = skipped({ group: "linkerd", id: "linkerd.ready", title: "meshed pods are Ready" }, "no pods");
    const other = checkOf({ group: "linkerd", id: "linkerd.x", title: "x" }, [{ subject: "x", ok: true }]);
    expect(new Printer(false).group("linkerd", [check, check])).toEqual(["", "Linkerd", "– skipped: no pods"]);
    expect(new Printer(false).group("linkerd", [check, other])[2]).toBe("– meshed pods are Ready: no pods (skipped)");
    expect(checkOf({ group: "linkerd", id: "x", title: "x" }, []).status).toBe("skipped");
  });
});

describe("reasons", () => {
  it.each([
    ["dial tcp 10.0.2.10:10250: i/o timeout", "timeout"],
    ["TIMEOUT", "timeout"],
    ["no answer within 8 s", "timeout"],
    ["REFUSED", "refused"],
    ["DNS: lookup x: i/o timeout", "dns"],
    ["connect: no route to host", "unreachable"],
    ["HTTP 503", "error"],
  ])("%s", (message, reason) => {
    expect(reasonOf(message)).toBe(reason);
  });
});
