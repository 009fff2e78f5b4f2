/**
 * What EC2 answers when it refuses a request: the code that programs look at and the sentence that people read.
 * Codes and sentences follow the EC2 API reference ("Error codes for the Amazon EC2 API").
 */
export class Ec2Error extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Ec2Error";
  }
}

/** True when EC2 refused with one of these codes. */
export function isEc2Error(error: unknown, ...codes: string[]): error is Ec2Error {
  return error instanceof Ec2Error && (codes.length === 0 || codes.includes(error.code));
}

/** The refusal for an object that other objects still need. */
export function dependencyViolation(message: string): Ec2Error {
  return new Ec2Error("DependencyViolation", message);
}

/** The refusal for a parameter whose value EC2 doesn't take. */
export function invalidParameterValue(message: string): Ec2Error {
  return new Ec2Error("InvalidParameterValue", message);
}
