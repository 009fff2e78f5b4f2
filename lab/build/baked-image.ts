import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { aptDirectory, APT_REPOSITORY_PATH } from "./apt-repository";
import { runInside } from "./chroot";
import { exportLayout } from "./image-layout";
import { machineImageId, writeImage, type MachineImage } from "./machine-images";
import { RegistryStorage } from "./registry";
import { registryDirectory } from "./registry-images";
import { copyTree } from "./rootfs";
import type { StepLog } from "./run";
import { KUBERNETES_VERSION } from "./versions";

/** Packages that a node's bootstrap would install. */
const PACKAGES = ["containerd", "kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni"];

/** Where the build binds what comes from outside; `/run` is a file system of the build's own. */
const REPOSITORY = "/run/build/repository";
const IMAGES = "/run/build/images";
const STORE = "/var/lib/containerd";

/** Installs the packages without starting what they bring. */
const INSTALL = `
list=/etc/apt/sources.list.d/build.list
echo "deb [trusted=yes] file:${REPOSITORY} ./" > $list
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get -q -o APT::Sandbox::User=root update
DEBIAN_FRONTEND=noninteractive apt-get -q -o APT::Sandbox::User=root --yes --no-install-recommends \
  install ${PACKAGES.join(" ")}
apt-mark hold kubelet kubeadm kubectl
systemctl enable containerd
mkdir -p ${STORE}
rm -rf $list /usr/sbin/policy-rc.d /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
`;

/** Fills containerd's store with the images of a layout, with containerd itself, so that a node finds them as if pulled. */
const IMPORT = `
containerd --log-level warn &
for _ in $(seq 100); do
  if ctr version > /dev/null 2>&1; then break; fi
  sleep 0.1
done
tar --create --directory ${IMAGES} . | ctr --namespace k8s.io images import --snapshotter overlayfs -
ctr --namespace k8s.io images ls -q
kill %1
wait %1 || true
`;

/** The image with everything in it that a node installs or pulls, as an AMI made for the purpose would have. */
export function bakedImage(content: string): MachineImage {
  return {
    id: machineImageId(`baked ${content} ${INSTALL} ${IMPORT}`),
    name: `daybreak-kubernetes-${KUBERNETES_VERSION}`,
    description: `Kubernetes ${KUBERNETES_VERSION}, containerd and every image of the lab's mirror`,
    kind: "baked",
  };
}

/**
 * Makes the baked image of the root file system, the packages and the images in the cache.
 *
 * @param names of the registry's images.
 */
export async function buildBakedImage(
  image: MachineImage,
  rootfs: string,
  names: readonly string[],
  log: StepLog,
): Promise<void> {
  await writeImage(image, async (directory) => {
    const tree = join(directory, "rootfs");
    await copyTree(join(rootfs, "rootfs"), tree, log);
    await runInside(tree, INSTALL, { [join(aptDirectory(), APT_REPOSITORY_PATH)]: REPOSITORY }, log);
    const store = join(directory, "containerd");
    const layout = join(directory, "images");
    mkdirSync(store, { mode: 0o711 });
    exportLayout(new RegistryStorage(registryDirectory()), names, layout);
    await runInside(tree, IMPORT, { [store]: STORE, [layout]: IMAGES }, log);
    rmSync(layout, { recursive: true });
  });
}
