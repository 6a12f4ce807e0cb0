namespace MtaTls.Client.Sessions;

/// <summary>A caller that waits for room in a session.</summary>
internal sealed class RoomWaiter
{
    private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when room was taken for the caller.</summary>
    public Task Task => _turn.Task;

    /// <summary>The session with that room. Guarded by the pool's lock until <see cref="Task"/> has completed.</summary>
    public ClientSession? Given { get; private set; }

    /// <summary>The position in the queue; null after the caller has got room. Guarded by the pool's lock.</summary>
    public LinkedListNode<RoomWaiter>? Node { get; set; }

    /// <summary>Whether the caller uses the room that it has got.</summary>
    public bool HasTaken { get; private set; }

    public ClientSession Take()
    {
        HasTaken = true;
        return Given!;
    }

    public void Give(ClientSession session)
    {
        Given = session;
        _turn.SetResult();
    }
}
