using System.Text.Json;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers.Sigma;

/// <summary>Rows of what the engine says of the container: itself, and its mounts.</summary>
internal static class SigmaContainer
{
    private const int MaxMounts = 10_000;

    public static SigmaRow Row(Scene scene)
    {
        JsonElement inspect = scene.Inspect, host = inspect.Object("HostConfig"), configuration = inspect.Object("Config");
        SigmaRow row = new([SigmaFields.Container], scene.InspectPlace);
        row.Add("name", inspect.Text("Name")?.TrimStart('/'));
        row.Add("image", configuration.Text("Image"));
        row.Add("command", string.Join(' ', inspect.Texts("Args").Prepend(inspect.Text("Path") ?? "")));
        row.Add("working_dir", configuration.Text("WorkingDir"));
        row.Add("user", configuration.Text("User"));
        row.Add("env_name", configuration.Texts("Env").Select(pair => pair.Split('=', 2)[0]));
        row.Add("label", configuration.TextMembers("Labels").OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));
        row.Add("privileged", host.Flag("Privileged"));
        row.Add("readonly_rootfs", host.Flag("ReadonlyRootfs"));
        row.Add("cap_add", host.Texts("CapAdd").Select(Capability));
        row.Add("cap_drop", host.Texts("CapDrop").Select(Capability));
        row.Add("security_opt", host.Texts("SecurityOpt"));
        row.Add("apparmor", inspect.Text("AppArmorProfile"));
        row.Add("device", host.Items("Devices").Select(device => device.Text("PathOnHost") ?? ""));
        row.Add("network_mode", host.Text("NetworkMode"));
        row.Add("pid_mode", host.Text("PidMode"));
        row.Add("ipc_mode", host.Text("IpcMode"));
        row.Add("uts_mode", host.Text("UTSMode"));
        row.Add("userns_mode", host.Text("UsernsMode"));
        row.Add("cgroupns_mode", host.Text("CgroupnsMode"));
        row.Add("memory_limit", host.Number("Memory"));
        row.Add("pids_limit", host.Number("PidsLimit"));
        row.Add("restart_policy", host.Object("RestartPolicy").Text("Name"));
        row.Add("restart_count", inspect.Number("RestartCount"));
        row.Add("published_port", host.Members("PortBindings").SelectMany(port => port.Value.ValueKind == JsonValueKind.Array
            ? port.Value.EnumerateArray().Select(binding => $"{binding.Text("HostIp")}:{binding.Text("HostPort")}->{JsonFields.NameOf(port)}") : []));
        return row;
    }

    public static IEnumerable<SigmaRow> Mounts(Scene scene)
    {
        foreach (JsonElement mount in scene.Inspect.Items("Mounts").Take(MaxMounts))
        {
            SigmaRow row = new([SigmaFields.Mount], scene.InspectPlace);
            row.Add("type", mount.Text("Type"));
            row.Add("source", mount.Text("Source"));
            row.Add("destination", mount.Text("Destination"));
            row.Add("writable", mount.Flag("RW"));
            row.Add("propagation", mount.Text("Propagation"));
            row.Add("risk", RiskMarks.OfMount(mount, engineRoot: null).Select(mark => mark.Mark.Id));
            yield return row;
        }
    }

    private static string Capability(string name) => (name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? name[4..] : name).ToUpperInvariant();
}
