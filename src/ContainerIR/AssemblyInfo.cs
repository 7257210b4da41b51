using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("cir")]
[assembly: InternalsVisibleTo("ContainerIR.Tests")]
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
