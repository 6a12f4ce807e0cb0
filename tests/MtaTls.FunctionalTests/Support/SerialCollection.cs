namespace MtaTls.FunctionalTests.Support;

/// <summary>Tests that measure the whole process, so no other test runs at the same time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SerialCollection
{
    public const string Name = "Serial";
}
