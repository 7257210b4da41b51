namespace ContainerIR.Runtimes;

/// <summary>What an engine says of itself.</summary>
/// <param name="Kind"><c>docker</c> or <c>podman</c>.</param>
/// <param name="Endpoint">Where it answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="ApiVersion">API version spoken with it.</param>
/// <param name="StorageDriver">For example <c>overlay2</c>.</param>
/// <param name="CgroupVersion"><c>1</c> or <c>2</c>.</param>
/// <param name="CgroupDriver"><c>cgroupfs</c> or <c>systemd</c>.</param>
/// <param name="RootDirectory">Where it keeps its data on the host.</param>
/// <param name="LogDriver">Its default log driver.</param>
public sealed record EngineFacts(
    string Kind, string Endpoint, string Version, string ApiVersion, string StorageDriver, string CgroupVersion, string CgroupDriver, string RootDirectory, string LogDriver);
