using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("cir")]
[assembly: InternalsVisibleTo("ContainerIR.Tests")]
[assembly: InternalsVisibleTo("ContainerIR.MemoryBench")]
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
