namespace MtaTls.Fuzz;

/// <summary>What is given octets that nobody expects. Whatever it throws is a defect.</summary>
internal abstract class FuzzTarget
{
    public abstract string Name { get; }

    /// <summary>The corpus that the inputs are made of.</summary>
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
