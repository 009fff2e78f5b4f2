// Loaded into the program's process by NODE_OPTIONS=--require: narrows the group's rule for traffic between the nodes to
// the API server's port, which is all of it that the security group let through that the users first had. The programs
// themselves have no switch for it.
if (process.argv[1]?.includes("@pulumi/pulumi/cmd/run")) {
  const stack = require("@pulumi/pulumi/runtime/stack");
  const run = stack.runInPulumiStack;

  stack.runInPulumiStack = (program) =>
    run(() => {
      stack.registerStackTransformation(({ type, props, opts }) => {
        const rule = type === "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
        if (!rule || !props.referencedSecurityGroupId) return undefined;
        return { props: { ...props, ipProtocol: "tcp", fromPort: 6443, toPort: 6443 }, opts };
      });
      return program();
    });
}
