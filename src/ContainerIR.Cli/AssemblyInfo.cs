using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ContainerIR.Tests")]
