// A small crictl for machines that cannot have the real one, whose Go module is not published where
// the lab gets its programs from: version, info, pull, images, pods, ps, logs, and stopping and removing.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	configFile      = "/etc/crictl.yaml"
	defaultEndpoint = "unix:///run/containerd/containerd.sock"
	// Pulling is bounded by the runtime's own progress limit; everything else answers at once.
	pullLimit   = 10 * time.Minute
	answerLimit = 10 * time.Second
)

type client struct {
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

var commands = map[string]func(context.Context, client, []string) error{
	"version": version, "info": info, "pull": pull, "images": images, "pods": pods, "ps": containers, "logs": logs,
	"stop": each(stopContainer), "rm": each(removeContainer), "stopp": each(stopPod), "rmp": each(removePod),
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	endpoint := endpointOf(configFile)
	for len(arguments) > 1 && (arguments[0] == "--runtime-endpoint" || arguments[0] == "-r") {
		endpoint, arguments = arguments[1], arguments[2:]
	}
	if len(arguments) == 0 || commands[arguments[0]] == nil {
		return fmt.Errorf("this is daybreak's small crictl; it knows version, info, pull, images, pods, ps, logs, stop, rm, stopp, rmp")
	}
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limit := answerLimit
	if arguments[0] == "pull" {
		limit = pullLimit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return commands[arguments[0]](ctx, client{cri.NewRuntimeServiceClient(connection), cri.NewImageServiceClient(connection)}, arguments[1:])
}

// endpointOf reads the one key of crictl.yaml that matters here.
func endpointOf(file string) string {
	text, _ := os.ReadFile(file)
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "runtime-endpoint:"); found {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return defaultEndpoint
}

func version(ctx context.Context, c client, _ []string) error {
	answer, err := c.runtime.Version(ctx, &cri.VersionRequest{})
	if err != nil {
		return err
	}
	fmt.Printf("Version:  %s\nRuntimeName:  %s\nRuntimeVersion:  %s\nRuntimeApiVersion:  %s\n",
		answer.Version, answer.RuntimeName, answer.RuntimeVersion, answer.RuntimeApiVersion)
	return nil
}

func info(ctx context.Context, c client, _ []string) error {
	answer, err := c.runtime.Status(ctx, &cri.StatusRequest{})
	if err != nil {
		return err
	}
	for _, condition := range answer.Status.Conditions {
		fmt.Printf("%s=%t %s %s\n", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	return nil
}

func pull(ctx context.Context, c client, arguments []string) error {
	for _, name := range arguments {
		answer, err := c.images.PullImage(ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: name}})
		if err != nil {
			return err
		}
		fmt.Println("Image is up to date for", answer.ImageRef)
	}
	return nil
}

func images(ctx context.Context, c client, _ []string) error {
	answer, err := c.images.ListImages(ctx, &cri.ListImagesRequest{})
	if err != nil {
		return err
	}
	return table("IMAGE\tIMAGE ID\tMIB", answer.Images, func(image *cri.Image) string {
		return fmt.Sprintf("%s\t%s\t%d", strings.Join(image.RepoTags, ","), short(image.Id), image.Size>>20)
	})
}

func pods(ctx context.Context, c client, _ []string) error {
	answer, err := c.runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	return table("POD ID\tCREATED\tSTATE\tNAMESPACE\tNAME", answer.Items, func(pod *cri.PodSandbox) string {
		state := strings.TrimPrefix(pod.State.String(), "SANDBOX_")
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", short(pod.Id), ago(pod.CreatedAt), state, pod.Metadata.Namespace, pod.Metadata.Name)
	})
}

func containers(ctx context.Context, c client, arguments []string) error {
	filter := &cri.ContainerFilter{State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}}
	for _, argument := range arguments {
		if argument == "-a" || argument == "--all" {
			filter = nil
		}
	}
	answer, err := c.runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: filter})
	if err != nil {
		return err
	}
	return table("CONTAINER\tCREATED\tSTATE\tNAME\tATTEMPT\tPOD", answer.Containers, func(container *cri.Container) string {
		state := strings.TrimPrefix(container.State.String(), "CONTAINER_")
		pod := container.Labels["io.kubernetes.pod.name"]
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s", short(container.Id), ago(container.CreatedAt), state, container.Metadata.Name, container.Metadata.Attempt, pod)
	})
}

// logs prints a container's log file; other arguments (--tail=20, -f) are tail's.
func logs(ctx context.Context, c client, arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("logs of which container? crictl ps -a names them")
	}
	id := arguments[len(arguments)-1]
	answer, err := c.runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: &cri.ContainerFilter{Id: id}})
	if err != nil {
		return err
	}
	if len(answer.Containers) != 1 {
		return fmt.Errorf("%d containers begin with %s", len(answer.Containers), id)
	}
	status, err := c.runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: answer.Containers[0].Id})
	if err != nil {
		return err
	}
	options := []string{"-n", "+1"}
	for index, argument := range arguments[:len(arguments)-1] {
		switch value, found := strings.CutPrefix(argument, "--tail="); {
		case found:
			options = []string{"-n", value}
		case argument == "--tail" && index+1 < len(arguments)-1:
			options = []string{"-n", arguments[index+1]}
		case argument == "-f":
			options = append(options, "-f")
		}
	}
	tail := exec.Command("tail", append(options, status.Status.LogPath)...)
	tail.Stdout, tail.Stderr = os.Stdout, os.Stderr
	return tail.Run()
}

func each(do func(context.Context, client, string) error) func(context.Context, client, []string) error {
	return func(ctx context.Context, c client, ids []string) error {
		for _, id := range ids {
			if strings.HasPrefix(id, "-") {
				continue
			}
			if err := do(ctx, c, id); err != nil {
				return err
			}
			fmt.Println(id)
		}
		return nil
	}
}

func stopContainer(ctx context.Context, c client, id string) error {
	_, err := c.runtime.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: id})
	return err
}

func removeContainer(ctx context.Context, c client, id string) error {
	_, err := c.runtime.RemoveContainer(ctx, &cri.RemoveContainerRequest{ContainerId: id})
	return err
}

func stopPod(ctx context.Context, c client, id string) error {
	_, err := c.runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
	return err
}

func removePod(ctx context.Context, c client, id string) error {
	_, err := c.runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: id})
	return err
}

func table[Row any](head string, rows []Row, text func(Row) string) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, head)
	for _, row := range rows {
		fmt.Fprintln(out, text(row))
	}
	return out.Flush()
}

func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(13, len(id))]
}

func ago(nanoseconds int64) string {
	return time.Since(time.Unix(0, nanoseconds)).Round(time.Second).String() + " ago"
}
