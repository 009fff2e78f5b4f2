// Loaded into the program's process by NODE_OPTIONS=--require: turns the group's rule for traffic between the nodes into
// one for a port that nobody uses, so that the nodes stand behind the security group that the users first had. The
// programs themselves have no switch for it.
if (process.argv[1]?.includes("@pulumi/pulumi/cmd/run")) {
  const stack = require("@pulumi/pulumi/runtime/stack");
  const run = stack.runInPulumiStack;

  stack.runInPulumiStack = (program) =>
    run(() => {
      stack.registerStackTransformation(({ type, props, opts }) => {
        const rule = type === "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
        if (!rule || !props.referencedSecurityGroupId) return undefined;
        return { props: { ...props, ipProtocol: "tcp", fromPort: 1, toPort: 1 }, opts };
      });
      return program();
    });
}
