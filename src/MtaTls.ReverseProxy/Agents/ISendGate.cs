namespace MtaTls.ReverseProxy.Agents;

/// <summary>Counts the requests on their way to one agent, so that its leaving can wait for them.</summary>
internal interface ISendGate
{
    /// <summary>A request is about to be sent; <see cref="EndSending"/> is to follow. False: the agent takes none any more.</summary>
    bool TryBeginSending();

    /// <summary>The request has been answered, or has failed.</summary>
    void EndSending();
}
