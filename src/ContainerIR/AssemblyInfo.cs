using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ContainerIR.Tests")]
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
