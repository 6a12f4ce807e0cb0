namespace MtaTls.Redis;

/// <summary>The outcome of a renewal.</summary>
internal enum LeaseOutcome
{
    /// <summary>The lease was renewed.</summary>
    Renewed,

    /// <summary>The node has a new epoch, which is not confirmed yet.</summary>
    Acquired,

    /// <summary>Another node with this name has a later epoch. This is new.</summary>
    NameTaken,

    /// <summary>Another node with this name still has a later epoch.</summary>
    NameStillTaken,
}
