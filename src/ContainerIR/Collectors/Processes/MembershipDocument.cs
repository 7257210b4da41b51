using System.Buffers;
using System.Text.Json;
using ContainerIR.Linux;
using ContainerIR.Rows;

namespace ContainerIR.Collectors.Processes;

/// <summary>How the processes were told: <c>membership.json</c>.</summary>
internal static class MembershipDocument
{
    public static ReadOnlyMemory<byte> Write(Membership membership)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("init_pid", membership.Init.Pid);
            json.WriteNumber("members", membership.Members.Count);
            json.WriteNumber("looks", membership.Rounds);
            json.WriteBoolean("stable", membership.IsStable);
            json.WriteStartArray("cgroups");
            foreach ((string hierarchy, byte[] top) in membership.Cgroups)
            {
                json.WriteStartObject();
                json.WriteString("hierarchy", hierarchy);
                ByteJson.Write(json, "path", top);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("namespaces");
            for (int i = 0; i < NamespaceSet.Kinds.Count; i++)
            {
                json.WriteStartObject(NamespaceSet.Kinds[i]);
                json.WriteNumber("inode", membership.Init.Namespaces[i]);
                json.WriteBoolean("host", membership.HostNamespaces.Contains(membership.Init.Namespaces[i]));
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartArray("engine_pids");
            foreach (int pid in membership.Engine)
            {
                json.WriteNumberValue(pid);
            }

            json.WriteEndArray();
            json.WriteStartArray("unlisted");
            foreach (int pid in UnlistedProcesses.Find(membership.Init.Pid))
            {
                json.WriteNumberValue(pid);
            }

            json.WriteEndArray();
            json.WriteStartArray("sharers");
            foreach (Sharer sharer in membership.Sharers)
            {
                json.WriteStartObject();
                json.WriteNumber("pid", sharer.Facts.Pid);
                json.WriteString("container", sharer.ContainerId);
                json.WriteStartArray("shares");
                foreach (string share in sharer.Shares)
                {
                    json.WriteStringValue(share);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
