/** What an instance type gives a machine, as published on the EC2 instance type pages. */
export interface InstanceType {
  vcpus: number;
  memoryMib: number;
  /** T types earn CPU credits; only they take a credit specification. */
  burstable: boolean;
}

const gib = (n: number) => n * 1024;
const burstable = (vcpus: number, memoryGib: number): InstanceType => ({
  vcpus,
  memoryMib: gib(memoryGib),
  burstable: true,
});
const fixed = (vcpus: number, memoryGib: number): InstanceType => ({
  vcpus,
  memoryMib: gib(memoryGib),
  burstable: false,
});

/** The types that the lab knows; all x86_64, as the lab's images are. */
export const instanceTypes: Readonly<Record<string, InstanceType>> = {
  "t3.micro": burstable(2, 1),
  "t3.small": burstable(2, 2),
  "t3.medium": burstable(2, 4),
  "t3.large": burstable(2, 8),
  "t3.xlarge": burstable(4, 16),
  "t3.2xlarge": burstable(8, 32),
  "t3a.small": burstable(2, 2),
  "t3a.medium": burstable(2, 4),
  "t3a.large": burstable(2, 8),
  "t3a.xlarge": burstable(4, 16),
  "m5.large": fixed(2, 8),
  "m5.xlarge": fixed(4, 16),
  "m5.2xlarge": fixed(8, 32),
  "m6i.large": fixed(2, 8),
  "m6i.xlarge": fixed(4, 16),
  "m6i.2xlarge": fixed(8, 32),
  "m7i.large": fixed(2, 8),
  "m7i.xlarge": fixed(4, 16),
  "c6i.large": fixed(2, 4),
  "c6i.xlarge": fixed(4, 8),
  "c6i.2xlarge": fixed(8, 16),
  "r6i.large": fixed(2, 16),
};
