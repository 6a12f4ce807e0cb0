namespace MtaTls.ReverseProxy.Agents;

/// <summary>Counts the requests under way to one agent, so that draining can wait for them.</summary>
internal interface ISendGate
{
    /// <summary>Counts a request that is about to be sent. The caller then calls <see cref="EndSending"/>. False: the agent takes no more requests.</summary>
    bool TryBeginSending();

    /// <summary>The request has been answered, or has failed.</summary>
    void EndSending();
}
