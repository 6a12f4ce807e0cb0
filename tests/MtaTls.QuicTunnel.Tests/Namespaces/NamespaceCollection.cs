namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>These use both processors of a small machine; nothing runs beside them.</summary>
[CollectionDefinition("network namespaces", DisableParallelization = true)]
public sealed class NamespaceCollection;
