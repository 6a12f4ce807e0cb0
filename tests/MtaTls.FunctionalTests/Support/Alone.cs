namespace MtaTls.FunctionalTests.Support;

/// <summary>Tests that measure the whole process: while one runs, no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
