"""What mail programs write around a mail that they quote, by language: names of headers, verbs, phrases. A table."""

from __future__ import annotations

from typing import Final, NamedTuple


class Names(NamedTuple):
    """Names of the headers above a quoted mail, as Outlook and others write them; each may have several."""

    sender: tuple[str, ...]
    date: tuple[str, ...]
    to: tuple[str, ...]
    subject: tuple[str, ...]
    copy: tuple[str, ...] = ()


HEADERS: Final = {
    "en": Names(("From",), ("Sent", "Date", "Sent at"), ("To",), ("Subject",), ("Cc", "Reply-To")),
    "de": Names(("Von",), ("Gesendet", "Datum", "Gesendet am"), ("An",), ("Betreff",), ("Kopie",)),
    "fr": Names(("De",), ("Envoyé", "Date", "Envoyé le"), ("À", "A", "Pour"), ("Objet", "Sujet"), ("Copie à",)),
    "es": Names(("De",), ("Enviado", "Enviado el", "Fecha"), ("Para",), ("Asunto",), ("CC",)),
    "it": Names(("Da",), ("Inviato", "Data", "Inviata"), ("A",), ("Oggetto",)),
    "pt": Names(("De",), ("Enviado", "Enviada em", "Enviado em", "Data"), ("Para",), ("Assunto",)),
    "nl": Names(("Van",), ("Verzonden", "Datum"), ("Aan",), ("Onderwerp",)),
    "sv": Names(("Från",), ("Skickat", "Datum"), ("Till",), ("Ämne",), ("Kopia",)),
    "no": Names(("Fra",), ("Sendt", "Dato"), ("Til",), ("Emne",), ("Kopi",)),
    "da": Names(("Fra",), ("Sendt", "Dato"), ("Til",), ("Emne",), ("Kopi",)),
    "fi": Names(
        ("Lähettäjä",), ("Lähetetty", "Päivämäärä", "Päiväys"), ("Vastaanottaja", "Kenelle"), ("Aihe",), ("Kopio",)
    ),
    "pl": Names(("Od",), ("Wysłano", "Wysłane", "Data"), ("Do",), ("Temat",), ("DW", "Kopia")),
    "cs": Names(("Od",), ("Odesláno", "Datum"), ("Komu",), ("Předmět",), ("Kopie",)),
    "sk": Names(("Od",), ("Odoslané", "Dátum"), ("Komu", "Pre"), ("Predmet",), ("Kópia",)),
    "hu": Names(("Feladó",), ("Elküldve", "Küldve", "Dátum"), ("Címzett",), ("Tárgy",), ("Másolatot kap",)),
    "ro": Names(("De la",), ("Trimis", "Data"), ("Către", "Catre"), ("Subiect",)),
    "bg": Names(("От",), ("Изпратено", "Дата"), ("До",), ("Относно", "Тема"), ("Копие",)),
    "hr": Names(("Šalje", "Od"), ("Poslano", "Datum"), ("Prima", "Za"), ("Predmet",), ("Kopija",)),
    "sl": Names(("Od",), ("Poslano", "Datum"), ("Za",), ("Zadeva",), ("Kp",)),
    "et": Names(("Saatja",), ("Saadetud", "Kuupäev"), ("Adressaat",), ("Teema",), ("Koopia",)),
    "lt": Names(("Nuo",), ("Išsiųsta", "Data"), ("Kam",), ("Tema",), ("Kopija",)),
    "lv": Names(("No",), ("Nosūtīts", "Datums"), ("Kam",), ("Tēma",)),
    "ca": Names(("De",), ("Enviat", "Data"), ("Per a", "A"), ("Assumpte",)),
    "ru": Names(("От", "От кого"), ("Отправлено", "Дата"), ("Кому",), ("Тема",), ("Копия",)),
    "uk": Names(("Від", "Від кого"), ("Надіслано", "Дата", "Відправлено"), ("Кому",), ("Тема",), ("Копія",)),
    "tr": Names(
        ("Kimden", "Gönderen"), ("Gönderildi", "Tarih", "Gönderme Tarihi"), ("Kime", "Alıcı"), ("Konu",), ("Bilgi",)
    ),
    "el": Names(("Από",), ("Στάλθηκε", "Ημερομηνία", "Αποστολή"), ("Προς",), ("Θέμα",), ("Κοιν",)),
    "zh": Names(("发件人",), ("发送时间", "发送日期", "日期", "时间"), ("收件人", "收件者"), ("主题",), ("抄送",)),
    "zh-TW": Names(
        ("寄件者", "寄件人"), ("寄件日期", "日期", "傳送時間"), ("收件者", "收件人"), ("主旨", "主題"), ("副本",)
    ),
    "ja": Names(("差出人",), ("送信日時", "日付", "日時"), ("宛先",), ("件名",)),
    "ko": Names(
        ("보낸 사람", "보낸사람"), ("보낸 날짜", "날짜", "전송"), ("받는 사람", "받는사람"), ("제목",), ("참조",)
    ),
    "vi": Names(("Từ",), ("Đã gửi", "Ngày", "Gửi"), ("Tới", "Đến"), ("Chủ đề", "Tiêu đề")),
    "th": Names(("จาก",), ("ส่งแล้ว", "ส่ง", "วันที่"), ("ถึง",), ("เรื่อง", "หัวเรื่อง"), ("สำเนา",)),
    "ar": Names(("من",), ("تم الإرسال", "التاريخ", "تاريخ الإرسال"), ("إلى",), ("الموضوع",), ("نسخة",)),
    "he": Names(("מאת",), ("נשלח", "תאריך"), ("אל", "ל"), ("נושא",), ("עותק",)),
    "fa": Names(("از",), ("ارسال", "تاریخ"), ("به",), ("موضوع",)),
    "id": Names(("Dari",), ("Dikirim", "Tanggal"), ("Kepada", "Ke"), ("Subjek", "Perihal")),
}

WROTE: Final = (
    *("wrote", "writes", "schrieb", "geschrieben", "a écrit", "écrivait", "escribió", "ha scritto", "scriveva"),
    *("escreveu", "schreef", "geschreven", "skrev", "kirjoitti", "napisał", "napisała", "napisał(a)", "pisze"),
    *("napsal", "napsala", "napsal(a)", "napísal", "napísala", "napísal(a)", "ezt írta", "írta", "a scris"),
    *("написал", "написала", "написал(а)", "пишет", "пише", "написав", "написала(в)", "написа", "yazdı", "έγραψε"),
    *("đã viết", "viết", "كتب", "كتبت", "تمت كتابة ما يلي بواسطة", "כתב", "כתבה", "כתב/ה", "نوشت"),
    *("menulis", "kirjutas", "parašė", "rakstīja", "va escriure", "napisao", "napisala", "je napisao/la", "piše"),
)
"""Verbs between spaces, small as they are written."""

WROTE_WITHOUT_SPACES: Final = (
    "写道",
    "寫道",
    "写到",
    "写的",
    "のメール",
    "書きました",
    "님이 작성",
    "작성",
    "썼습니다",
    "เขียนว่า",
    "เขียน",
)

SEPARATORS: Final = (
    *("原始邮件", "原邮件", "回复的原邮件", "原始郵件", "原始信息", "回复邮件", "原件", "Original Message", "Original"),
    *("Original Email", "Original Appointment", "Replied Message", "Reply Message", "Original message"),
    *("Ursprüngliche Nachricht", "Originalnachricht", "Original-Nachricht", "Message d'origine", "Message original"),
    *("Message initial", "Mensaje original", "Messaggio originale", "Messaggio Originale", "Mensagem original"),
    *("Oorspronkelijk bericht", "Originalmeddelande", "Ursprungligt meddelande", "Opprinnelig melding"),
    *("Oprindelig meddelelse", "Alkuperäinen viesti", "Wiadomość oryginalna", "Oryginalna wiadomość"),
    *("Původní zpráva", "Pôvodná správa", "Eredeti üzenet", "Mesaj original", "Исходное сообщение"),
    *("Оригинальное сообщение", "Пересылаемое", "Оригінальне повідомлення", "Orijinal Mesaj", "Orijinal ileti"),
    *("Αρχικό μήνυμα", "元のメッセージ", "원본 메시지", "원본메시지", "Thư gốc", "Tin nhắn gốc", "ข้อความต้นฉบับ"),
    *("الرسالة الأصلية", "הודעה מקורית", "Pesan Asli"),
)
FORWARDS: Final = (
    *("Forwarded message", "Original Forwarded message", "Forwarded Message", "转发邮件信息", "转发的邮件", "转发邮件"),
    *("转发的原邮件", "转发的原始邮件", "轉寄郵件", "轉寄的郵件", "Weitergeleitete Nachricht", "Message transféré"),
    *("Mensaje reenviado", "Messaggio inoltrato", "Mensagem encaminhada", "Doorgestuurd bericht"),
    *("Vidarebefordrat meddelande", "Videresendt melding", "Videresendt meddelelse", "Välitetty viesti"),
    *("Przekazana wiadomość", "Wiadomość przekazana dalej", "Přeposlaná zpráva", "Továbbított üzenet"),
    *(
        "Mesaj redirecționat",
        "Пересылаемое сообщение",
        "Переслане повідомлення",
        "Yönlendirilen ileti",
        "İletilen mesaj",
    ),
    *("Προωθημένο μήνυμα", "転送メッセージ", "전달된 메일", "전달된 메시지", "Thư đã chuyển tiếp", "ข้อความที่ส่งต่อ"),
    *("رسالة مُعاد توجيهها", "הודעה שהועברה", "Pesan terusan"),
)
FORWARD_LINES: Final = (
    *(
        "Begin forwarded message",
        "以下是转发的邮件",
        "开始转发的邮件",
        "下面是被转发的邮件",
        "以下は転送されたメールです",
    ),
    *("Anfang der weitergeleiteten Nachricht", "Début du message transféré", "Début du message réexpédié"),
    *("Inicio del mensaje reenviado", "Inizio messaggio inoltrato", "Início da mensagem encaminhada"),
    *("Begin doorgestuurd bericht", "Vidarebefordrat brev", "Начало переадресованного сообщения", "전달된 메시지 시작"),
    *("Start på videresendt besked", "Videresendt melding", "Początek przekazywanej wiadomości"),
)
ANSWERS: Final = (
    *("re", "aw", "sv", "vs", "antw", "odp", "ynt", "ref", "rif", "res", "rép", "vá", "atb", "απ", "ответ", "отв"),
    *(
        "відп",
        "回复",
        "回覆",
        "答复",
        "答覆",
        "返信",
        "회신",
        "답장",
        "trả lời",
        "ตอบ",
        "رد",
        "תגובה",
        "השב",
        "bls",
        "r",
    ),
)
PASSED_ON: Final = (
    *("fw", "fwd", "wg", "tr", "rv", "rvs", "i", "enc", "doorst", "vb", "vl", "videresendt", "pd", "fs", "iltr", "ilt"),
    *("πρθ", "пересл", "转发", "轉寄", "轉發", "転送", "전달", "ส่งต่อ", "إعادة توجيه", "הועבר", "trs"),
)
"""Before the colon of a subject, in small letters."""

SENT_BY: Final = (
    *(
        "sent from",
        "sent via",
        "sent with",
        "get outlook",
        "gesendet",
        "envoyé",
        "enviado",
        "enviada",
        "inviato",
        "verzonden",
    ),
    *("verstuurd", "skickat", "sendt", "lähetetty", "wysłane", "wysłano", "odesláno", "odoslané", "elküldve", "küldve"),
    *("trimis", "отправлено", "надіслано", "изпратено", "gönderildi", "gönderilmiştir", "στάλθηκε"),
    *(
        "发自",
        "來自",
        "来自",
        "寄自",
        "从我的",
        "從我的",
        "获取",
        "由网易",
        "から送信",
        "에서 보냄",
        "보냄",
        "gửi từ",
        "ส่งจาก",
    ),
    *("تم الإرسال", "أُرسلت", "נשלח", "dikirim", "poslano", "saadetud", "von meinem", "从 windows", "从windows"),
)
DEVICES: Final = (
    *(
        "iphone",
        "ipad",
        "ipod",
        "android",
        "samsung",
        "galaxy",
        "huawei",
        "xiaomi",
        "redmi",
        "oneplus",
        "pixel",
        "nokia",
    ),
    *(
        "blackberry",
        "windows phone",
        "windows",
        "outlook",
        "yahoo",
        "gmail",
        "gmx",
        "web.de",
        "proton",
        "aol",
        "foxmail",
    ),
    *("mail.ru", "mobile", "phone", "smartphone", "handy", "móvil", "telefon", "telefoon", "téléphone", "cellulare"),
    *(
        "mac",
        "thunderbird",
        "spark",
        "airmail",
        "手机",
        "手機",
        "平板",
        "邮箱",
        "郵箱",
        "大师",
        "华为",
        "小米",
        "荣耀",
        "vivo",
    ),
    *("oppo", "honor", "mail for"),
)
