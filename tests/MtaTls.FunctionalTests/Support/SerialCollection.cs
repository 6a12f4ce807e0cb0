namespace MtaTls.FunctionalTests.Support;

/// <summary>Tests that measure the whole process: while one runs, no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SerialCollection
{
    public const string Name = "Serial";
}
