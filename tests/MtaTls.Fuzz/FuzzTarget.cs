namespace MtaTls.Fuzz;

/// <summary>Code that gets unexpected bytes. Any exception is a defect.</summary>
internal abstract class FuzzTarget
{
    public abstract string Name { get; }

    /// <summary>The name of the corpus from which the inputs are made.</summary>
    public virtual string CorpusName => Name;

    public abstract ValueTask RunAsync(byte[] input, Random random);

    protected static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException(what);
        }
    }
}
