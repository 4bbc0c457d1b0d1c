"""What the visitors of `trunkline up --demo` say: the first lines at once, each further one after an answer."""

from __future__ import annotations

from typing import Final, NamedTuple


class Dialogue(NamedTuple):
    """One visitor's side of a conversation. `shows_parcel`: a picture follows the opening lines."""

    locale: str
    page: str
    opening: tuple[str, ...]
    answers: tuple[str, ...]
    nudge: str
    shows_parcel: bool = False


DIALOGUES: Final = (
    Dialogue(
        locale="zh-CN",
        page="https://shop.example/orders/20261118-0392",
        opening=("你好，我昨天收到的快递外箱破了，里面的杯子也裂了一个。", "我拍了照片，你看一下。"),
        answers=("订单号是 20261118-0392。", "换一个新的就可以，不用退款。", "好的，谢谢，辛苦了！"),
        nudge="请问有人在吗？",
        shows_parcel=True,
    ),
    Dialogue(
        locale="en",
        page="https://shop.example/checkout",
        opening=("Hi, my card was charged twice for order 88213.",),
        answers=(
            "Both charges are from this morning, 09:14 and 09:15.",
            "Visa, ending in 4417.",
            "Perfect, thank you.",
        ),
        nudge="Is anybody there?",
    ),
    Dialogue(
        locale="zh-CN",
        page="https://shop.example/account/invoices",
        opening=("您好，我们公司需要开增值税专用发票，应该在哪里申请？",),
        answers=("抬头是杭州远山科技有限公司。", "税号我稍后发到邮箱。", "明白了，多谢。"),
        nudge="还在吗？我这边有点急。",
    ),
    Dialogue(
        locale="en",
        page="https://shop.example/products/desk-lamp",
        opening=("Does the desk lamp come with a plug for the UK?", "The page only shows the EU one."),
        answers=("Great. And how long does delivery to Leeds take?", "That works, I'll order today."),
        nudge="Hello? Just a quick question about the plug.",
    ),
    Dialogue(
        locale="zh-CN",
        page="https://shop.example/login",
        opening=("换了手机号以后收不到验证码，登录不上去。",),
        answers=("旧号码已经注销了。", "邮箱还能用，是 lin***@example.com。", "收到了，可以登录了，谢谢！"),
        nudge="麻烦帮我看一下，谢谢。",
    ),
    Dialogue(
        locale="en",
        page="https://shop.example/returns",
        opening=("I'd like to return a jacket. The size chart was off by one.",),
        answers=("Worn once, tags are still on.", "Exchange for an M would be ideal.", "Thanks, that was easy."),
        nudge="Could somebody have a look at my return?",
    ),
    Dialogue(
        locale="zh-CN",
        page="https://shop.example/vip",
        opening=("会员积分什么时候到账？我上周买了两单，都没看到积分。",),
        answers=("两单都已经确认收货了。", "好，那我明天再看看。"),
        nudge="积分的问题有人能回答一下吗？",
    ),
    Dialogue(
        locale="en",
        page="https://shop.example/orders/90117",
        opening=("Tracking for order 90117 hasn't moved in five days.",),
        answers=("Yes, the address is right.", "A new parcel would be great, it's a birthday present."),
        nudge="Any news on my parcel?",
    ),
)
