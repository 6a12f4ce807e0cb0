namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>These tests use all processors of a small machine, so no other tests run at the same time.</summary>
[CollectionDefinition("network namespaces", DisableParallelization = true)]
public sealed class NamespaceCollection;
